/* tpch_words: the lists of words of TPC-H (specification 3.0.1, sections 4.2.2.13, 4.2.2.14 and 4.2.3). */
#ifndef OD_SCENARIOS_TPCH_WORDS_H
#define OD_SCENARIOS_TPCH_WORDS_H

#define OD_TPCH_REGION_COUNT 5
#define OD_TPCH_NATION_COUNT 25

struct od_tpch_nation {
    const char *name;
    int region;
};

extern const char *const od_tpch_regions[OD_TPCH_REGION_COUNT];
extern const struct od_tpch_nation od_tpch_nations[OD_TPCH_NATION_COUNT];
extern const char *const od_tpch_colours[92];
extern const char *const od_tpch_type_1[6];
extern const char *const od_tpch_type_2[5];
extern const char *const od_tpch_type_3[5];
extern const char *const od_tpch_container_1[5];
extern const char *const od_tpch_container_2[8];
extern const char *const od_tpch_segments[5];
extern const char *const od_tpch_priorities[5];
extern const char *const od_tpch_instructions[4];
extern const char *const od_tpch_modes[7];
extern const char *const od_tpch_nouns[25];
extern const char *const od_tpch_verbs[20];
extern const char *const od_tpch_adjectives[18];
extern const char *const od_tpch_adverbs[16];
extern const char *const od_tpch_prepositions[16];

#endif
