/* sanitizer: OD_ADDRESS_SANITIZER is 1 in builds of gcc or clang with AddressSanitizer, else 0. For what must hand memory to it
 * in another way (arenas, pools) and for tests that take eight times as long there; no outcome may depend on it. */
#ifndef OD_CORE_SANITIZER_H
#define OD_CORE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OD_ADDRESS_SANITIZER 1
#endif
#endif
#if !defined(OD_ADDRESS_SANITIZER) && defined(__SANITIZE_ADDRESS__)
#define OD_ADDRESS_SANITIZER 1
#endif
#ifndef OD_ADDRESS_SANITIZER
#define OD_ADDRESS_SANITIZER 0
#endif

#endif
