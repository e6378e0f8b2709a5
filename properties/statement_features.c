/* statement_features: the table of features and of who shares them; see statement.h. */
#include "properties/statement.h"

#include <string.h>

#define SDP    (1 << OD_ORACLE_SQLITE | 1 << OD_ORACLE_DUCKDB | 1 << OD_ORACLE_POSTGRES)
#define S      (1 << OD_ORACLE_SQLITE)
#define D      (1 << OD_ORACLE_DUCKDB)
#define SP     (1 << OD_ORACLE_SQLITE | 1 << OD_ORACLE_POSTGRES)
#define DP     (1 << OD_ORACLE_DUCKDB | 1 << OD_ORACLE_POSTGRES)
#define P      (1 << OD_ORACLE_POSTGRES)
#define NOBODY 0

static const struct {
    uint32_t oracles; /* the model aside, which is asked about all */
    const char *text;
} features[] = {
#define X(name, engines, what, why) {engines, what},
    OD_QUERY_FEATURE_LIST(X)
#undef X
};

static const char *const oracle_texts[] = {
#define X(name, text) text,
    OD_ORACLE_LIST(X)
#undef X
};

const char *od_query_feature_text(enum od_query_feature feature)
{
    return features[feature].text;
}

const char *od_oracle_text(enum od_oracle oracle)
{
    return oracle_texts[oracle];
}

bool od_query_feature_is_shared(enum od_query_feature feature, uint32_t oracles)
{
    return (features[feature].oracles & oracles) == oracles;
}

enum od_status od_oracles_parse(const char *text, uint32_t *oracles_out, struct od_error *error)
{
    *oracles_out = 0;
    for (const char *at = text; *at != '\0';) {
        size_t size = strcspn(at, ",");
        uint32_t oracle = 0;
        while (oracle < OD_ORACLE_COUNT &&
               !(strlen(oracle_texts[oracle]) == size && memcmp(oracle_texts[oracle], at, size) == 0))
            oracle++;
        if (oracle == OD_ORACLE_COUNT)
            return od_fail(error, OD_BAD_INPUT,
                           "unknown oracle %.20s; expected some of model, sqlite, duckdb, postgres", at);
        *oracles_out |= UINT32_C(1) << oracle;
        at += size + (at[size] == ',');
    }
    return OD_OK;
}

bool od_query_is_shared(const struct od_statement *query, enum od_oracle oracle,
                        enum od_query_feature *feature_out)
{
    for (uint32_t i = 0; i < OD_QUERY_FEATURE_COUNT && oracle != OD_ORACLE_MODEL; i++) {
        if (!query->features[i] || (features[i].oracles >> oracle & 1) != 0)
            continue;
        *feature_out = (enum od_query_feature)i;
        return false;
    }
    return true;
}
