/* html_assets: the assembler's .incbin puts the files into read-only data; CMakeLists.txt gives the paths. */
#include "reports/html_assets.h"

#define EMBED(symbol, path)                                                                                  \
    __asm__(".pushsection .rodata\n"                                                                         \
            ".global " #symbol "\n" #symbol ":\n"                                                            \
            ".incbin \"" path "\"\n"                                                                         \
            ".global " #symbol "_end\n" #symbol "_end:\n"                                                    \
            ".byte 0\n"                                                                                      \
            ".popsection\n")

EMBED(od_page_css, OD_PAGE_CSS);
EMBED(od_page_js, OD_PAGE_JS);
EMBED(od_page_d3, OD_D3_JS);
