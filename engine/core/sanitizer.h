/* sanitizer: OD_ADDRESS_SANITIZER is 1 in builds of gcc or clang with AddressSanitizer, else 0, for what must hand memory to it
 * in another way (arenas, pools); OD_THREAD_SANITIZER likewise; OD_IS_SANITIZED is 1 with either, for tests that take eight
 * times as long there. No outcome may depend on them. */
#ifndef OD_CORE_SANITIZER_H
#define OD_CORE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OD_ADDRESS_SANITIZER 1
#endif
#if __has_feature(thread_sanitizer)
#define OD_THREAD_SANITIZER 1
#endif
#endif
#if !defined(OD_ADDRESS_SANITIZER) && defined(__SANITIZE_ADDRESS__)
#define OD_ADDRESS_SANITIZER 1
#endif
#ifndef OD_ADDRESS_SANITIZER
#define OD_ADDRESS_SANITIZER 0
#endif
#if !defined(OD_THREAD_SANITIZER) && defined(__SANITIZE_THREAD__)
#define OD_THREAD_SANITIZER 1
#endif
#ifndef OD_THREAD_SANITIZER
#define OD_THREAD_SANITIZER 0
#endif
#define OD_IS_SANITIZED (OD_ADDRESS_SANITIZER || OD_THREAD_SANITIZER)

#endif
