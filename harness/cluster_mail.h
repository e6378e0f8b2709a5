/* cluster_mail: what a client (a supervisor) and the host of a driver say to each other, as mail between nodes (posix_net.h).
 *
 *   client                                   driver's host
 *     | SUBMIT(query, plan) --------------->  |
 *     | ASK(query, offset) ---------------->  |   how is it? Also the repair of all that was lost
 *     | <--- NEWS(query, UNKNOWN | RUNS | ENDED with its outcome, and the answer's bytes from offset on)
 *     | CANCEL(query), FORGET(query) ------>  |   FORGET: the answer has arrived
 *     | ORDER(executor) ------------------->  |   take it out of the cluster (a fault's doing, or a person's)
 *
 * Mail gets lost. UNKNOWN means that the driver has never heard of the query: the client submits it again. What a driver has heard of,
 * its next life knows, too. An answer travels as the image of its table (engine/io/table_image.h), in pieces that the client asks for. */
#ifndef OD_HARNESS_CLUSTER_MAIL_H
#define OD_HARNESS_CLUSTER_MAIL_H

#include "engine/core/buffer.h"
#include "engine/run/query.h"

#define OD_MAIL_PIECE_BYTES ((size_t)4 << 20)
#define OD_MAIL_BYTES_MAX   ((size_t)64 << 20) /* of one mail: what a node lets through */

enum od_mail_kind { OD_MAIL_SUBMIT = 0x10000, OD_MAIL_ASK, OD_MAIL_NEWS, OD_MAIL_CANCEL, OD_MAIL_FORGET, OD_MAIL_ORDER };

enum od_news_state { OD_NEWS_UNKNOWN, OD_NEWS_RUNS, OD_NEWS_ENDED };
struct od_news {
    uint32_t query_id;
    enum od_news_state state;
    enum od_status status; /* ENDED */
    struct od_error error; /* ENDED */
    struct od_run_counts counts;
    uint64_t answer_bytes;  /* of the whole image, and of the metrics behind it; 0: no answer */
    uint64_t answer_id;     /* of these bytes: pieces of two answers, of two lives of a driver, do not go together */
    uint64_t metrics_bytes; /* of these, at the end */
    uint64_t offset;       /* of the piece */
    struct od_piece piece; /* borrowed */
};

/* SUBMIT: the plan bytes behind it. ASK: the offset. ORDER: the number is the executor to decommission. CANCEL, FORGET: number is 0. */
bool od_mail_write(struct od_buffer *buffer, uint32_t query_id, uint64_t number);
bool od_mail_read(struct od_reader *reader, uint32_t *query_id_out, uint64_t *number_out);
bool od_mail_write_news(struct od_buffer *buffer, const struct od_news *news);
/* False: these are no news. The piece is in the reader's bytes. */
bool od_mail_read_news(struct od_reader *reader, struct od_news *news_out);

#endif
