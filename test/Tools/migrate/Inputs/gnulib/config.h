/* What Gnulib's configure would find out on Debian 12 with Clang 22. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define _GL_INLINE static inline
#define _GL_EXTERN_INLINE static inline
#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_ATTRIBUTE_ALLOC_SIZE(args)
#define _GL_ATTRIBUTE_ALWAYS_INLINE
#define _GL_ATTRIBUTE_COLD
#define _GL_ATTRIBUTE_CONST __attribute__((const))
#define _GL_ATTRIBUTE_DEALLOC(f, i)
#define _GL_ATTRIBUTE_DEALLOC_FREE
#define _GL_ATTRIBUTE_DEPRECATED
#define _GL_ATTRIBUTE_FORMAT(args)
#define _GL_ATTRIBUTE_MALLOC __attribute__((__malloc__))
#define _GL_ATTRIBUTE_MAYBE_UNUSED __attribute__((unused))
#define _GL_ATTRIBUTE_NODISCARD
#define _GL_ATTRIBUTE_NONNULL(args)
#define _GL_ATTRIBUTE_NOTHROW
#define _GL_ATTRIBUTE_PURE __attribute__((pure))
#define _GL_ATTRIBUTE_RETURNS_NONNULL
#define _GL_ATTRIBUTE_SENTINEL(args)
#define _GL_ARG_NONNULL(params)
#define _GL_CMP(n1, n2) (((n1) > (n2)) - ((n1) < (n2)))
#define _GL_UNUSED __attribute__((unused))
#define FALLTHROUGH __attribute__((fallthrough))
#define FLEXIBLE_ARRAY_MEMBER
#define GNULIB_XALLOC 1
#define GNULIB_XALLOC_DIE 1
#define GNULIB_defined_tsearch 1
#define GNULIB_defined_twalk 1
#define HAVE___BUILTIN_EXPECT 1
#define MAYBE_UNUSED _GL_ATTRIBUTE_MAYBE_UNUSED
#define NODISCARD _GL_ATTRIBUTE_NODISCARD
#define XALLOC_INLINE _GL_INLINE
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
