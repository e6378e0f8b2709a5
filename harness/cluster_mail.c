/* cluster_mail: see cluster_mail.h. Little-endian, no padding; the links of nodes have their own checksums. */
#include "harness/cluster_mail.h"

#include <string.h>

/* Numbers of a run's counts, in their order here. */
#define COUNT_FIELD(member)                                                                                  \
    {                                                                                                        \
        offsetof(struct od_run_counts, member), sizeof(((struct od_run_counts *)0)->member)                  \
    }
static const struct {
    size_t offset;
    size_t bytes;
} count_fields[] = {
    COUNT_FIELD(attempts_launched), COUNT_FIELD(attempts_failed), COUNT_FIELD(attempts_refused),
    COUNT_FIELD(tasks_recomputed),  COUNT_FIELD(blocks_bad),      COUNT_FIELD(executors_lost),
    COUNT_FIELD(shuffle_bytes),     COUNT_FIELD(shuffle_rows),    COUNT_FIELD(spilled_bytes),
    COUNT_FIELD(memory_peak_bytes), COUNT_FIELD(started_ns),      COUNT_FIELD(ended_ns),
};
#undef COUNT_FIELD
enum { COUNT_FIELDS = sizeof(count_fields) / sizeof(count_fields[0]) };

bool od_mail_write(struct od_buffer *buffer, uint32_t query_id, uint64_t number)
{
    od_buffer_append_u32(buffer, query_id);
    return od_buffer_append_u64(buffer, number);
}

bool od_mail_read(struct od_reader *reader, uint32_t *query_id_out, uint64_t *number_out)
{
    *query_id_out = od_reader_u32(reader);
    *number_out = od_reader_u64(reader);
    return !reader->failed && *query_id_out != 0;
}

bool od_mail_write_news(struct od_buffer *buffer, const struct od_news *news)
{
    uint32_t text_size = (uint32_t)strnlen(news->error.text, sizeof(news->error.text));
    const uint32_t numbers[] = {news->query_id,           news->state,      news->status, news->error.injected,
                                news->error.line, news->error.column, text_size};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        od_buffer_append_u32(buffer, numbers[i]);
    od_buffer_append(buffer, news->error.text, text_size);
    for (size_t i = 0; i < COUNT_FIELDS; i++) {
        uint64_t number = 0;
        memcpy(&number, (const char *)&news->counts + count_fields[i].offset, count_fields[i].bytes);
        od_buffer_append_u64(buffer, number);
    }
    od_buffer_append_u64(buffer, news->answer_bytes);
    od_buffer_append_u64(buffer, news->answer_id);
    od_buffer_append_u64(buffer, news->metrics_bytes);
    od_buffer_append_u64(buffer, news->offset);
    od_buffer_append_u64(buffer, news->piece.size);
    return od_buffer_append(buffer, news->piece.bytes, news->piece.size);
}

bool od_mail_read_news(struct od_reader *reader, struct od_news *news_out)
{
    uint32_t numbers[7];
    *news_out = (struct od_news){0};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        numbers[i] = od_reader_u32(reader);
    if (reader->failed || numbers[1] > OD_NEWS_ENDED || numbers[2] >= OD_STATUS_COUNT ||
        numbers[6] >= sizeof(news_out->error.text))
        return false;
    news_out->query_id = numbers[0];
    news_out->state = (enum od_news_state)numbers[1];
    news_out->status = (enum od_status)numbers[2];
    news_out->error = (struct od_error){
        .status = news_out->status, .injected = numbers[3] != 0, .line = numbers[4], .column = numbers[5]};
    const uint8_t *text = od_reader_bytes(reader, numbers[6]);
    if (text != NULL)
        memcpy(news_out->error.text, text, numbers[6]);
    for (size_t i = 0; i < COUNT_FIELDS; i++) {
        uint64_t number = od_reader_u64(reader);
        memcpy((char *)&news_out->counts + count_fields[i].offset, &number, count_fields[i].bytes);
    }
    news_out->answer_bytes = od_reader_u64(reader);
    news_out->answer_id = od_reader_u64(reader);
    news_out->metrics_bytes = od_reader_u64(reader);
    news_out->offset = od_reader_u64(reader);
    news_out->piece.size = od_reader_u64(reader);
    news_out->piece.bytes = od_reader_bytes(reader, news_out->piece.size);
    return !reader->failed && news_out->offset <= news_out->answer_bytes &&
           news_out->metrics_bytes <= news_out->answer_bytes &&
           news_out->piece.size <= news_out->answer_bytes - news_out->offset;
}
