/* html_assets: the page's style, its script, and D3, as bytes inside the binary. Internal to reports.
 *
 * D3 3.5 (https://d3js.org, Copyright Michael Bostock, BSD 3-clause) comes from Debian's libjs-d3. */
#ifndef OD_REPORTS_HTML_ASSETS_H
#define OD_REPORTS_HTML_ASSETS_H

extern const char od_page_css[];
extern const char od_page_css_end[];
extern const char od_page_js[];
extern const char od_page_js_end[];
extern const char od_page_d3[];
extern const char od_page_d3_end[];

#endif
