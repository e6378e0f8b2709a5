/* tpch_words: see tpch_words.h. */
#include "scenarios/tpch_words.h"

const char *const od_tpch_regions[] = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"};
const struct od_tpch_nation od_tpch_nations[] = {
    {"ALGERIA", 0}, {"ARGENTINA", 1}, {"BRAZIL", 1},  {"CANADA", 1},       {"EGYPT", 4},        {"ETHIOPIA", 0},
    {"FRANCE", 3},  {"GERMANY", 3},   {"INDIA", 2},   {"INDONESIA", 2},    {"IRAN", 4},         {"IRAQ", 4},
    {"JAPAN", 2},   {"JORDAN", 4},    {"KENYA", 0},   {"MOROCCO", 0},      {"MOZAMBIQUE", 0},   {"PERU", 1},
    {"CHINA", 2},   {"ROMANIA", 3},   {"SAUDI ARABIA", 4}, {"VIETNAM", 2}, {"RUSSIA", 3},       {"UNITED KINGDOM", 3},
    {"UNITED STATES", 1}};
const char *const od_tpch_colours[] = {
    "almond", "antique", "aquamarine", "azure", "beige", "bisque", "black", "blanched", "blue", "blush", "brown",
    "burlywood", "burnished", "chartreuse", "chiffon", "chocolate", "coral", "cornflower", "cornsilk", "cream", "cyan",
    "dark", "deep", "dim", "dodger", "drab", "firebrick", "floral", "forest", "frosted", "gainsboro", "ghost",
    "goldenrod", "green", "grey", "honeydew", "hot", "indian", "ivory", "khaki", "lace", "lavender", "lawn", "lemon",
    "light", "lime", "linen", "magenta", "maroon", "medium", "metallic", "midnight", "mint", "misty", "moccasin",
    "navajo", "navy", "olive", "orange", "orchid", "pale", "papaya", "peach", "peru", "pink", "plum", "powder", "puff",
    "purple", "red", "rose", "rosy", "royal", "saddle", "salmon", "sandy", "seashell", "sienna", "sky", "slate",
    "smoke", "snow", "spring", "steel", "tan", "thistle", "tomato", "turquoise", "violet", "wheat", "white", "yellow"};
const char *const od_tpch_type_1[] = {"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"};
const char *const od_tpch_type_2[] = {"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"};
const char *const od_tpch_type_3[] = {"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"};
const char *const od_tpch_container_1[] = {"SM", "LG", "MED", "JUMBO", "WRAP"};
const char *const od_tpch_container_2[] = {"CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"};
const char *const od_tpch_segments[] = {"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"};
const char *const od_tpch_priorities[] = {"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"};
const char *const od_tpch_instructions[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"};
const char *const od_tpch_modes[] = {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"};
const char *const od_tpch_nouns[] = {
    "packages",   "requests", "accounts",  "deposits", "foxes",    "ideas",       "theodolites", "pinto beans", "instructions",
    "dependencies", "excuses", "platelets", "asymptotes", "courts", "dolphins",    "multipliers", "sauternes",   "warthogs",
    "frets",      "dinos",    "attainments", "somas",  "Tiresias", "patterns",    "forges"};
const char *const od_tpch_verbs[] = {"sleep",  "wake",  "are",  "cajole", "haggle", "nag",    "use",   "boost",  "affix",  "detect",
                                     "integrate", "maintain", "nod", "was", "lose", "sublate", "solve", "thrash", "promise", "engage"};
const char *const od_tpch_adjectives[] = {"furious", "sly",   "careful", "blithe", "quick",   "fluffy", "slow",    "quiet",   "ruthless",
                                          "thin",    "close", "dogged",  "daring", "special", "ironic", "pending", "express", "regular"};
const char *const od_tpch_adverbs[] = {"sometimes", "always",   "never",   "furiously", "slyly",  "carefully", "blithely", "quickly",
                                       "fluffily",  "slowly",   "quietly", "ruthlessly", "thinly", "closely",   "doggedly", "finally"};
const char *const od_tpch_prepositions[] = {"about", "above",  "according to", "across", "after", "against", "along",  "alongside of",
                                            "among", "around", "at",           "atop",   "before", "behind",  "beneath", "beside"};
