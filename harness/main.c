/* main: the program `ordeal`. Everything is in the library, where tests reach it: see ordeal.c. */
#include "harness/commands.h"

int main(int argc, char **argv)
{
    return od_main(argc, argv);
}
