/* version: of the program and of the reference engine in it. */
#ifndef OD_HARNESS_VERSION_H
#define OD_HARNESS_VERSION_H

#define OD_VERSION "0.1.0"

#endif
