// RUN: %clang -std=c11 -fsyntax-only -Xclang -verify %s

// Packed pointers and unions.
#include <perdure/perdure.h>

struct PERDURE node { struct node *next; };
typedef struct node *node_ref PERDURE;

#pragma pack(push, 1)
struct PERDURE pragma_ { char c; int *p; };
// expected-error@-1 {{field 'p' of record 'pragma_' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct PERDURE unaligned { int *p; };
// expected-error@-1 {{field 'p' of record 'unaligned' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct numbers { char c; long n; };
#pragma pack(pop)
struct PERDURE __attribute__((packed)) front { char c; int *p; };
// expected-error@-1 {{field 'p' of record 'front' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct PERDURE back { char c; int *p; } __attribute__((packed));
// expected-error@-1 {{field 'p' of record 'back' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct PERDURE field { char c; int *p __attribute__((packed)); };
// expected-error@-1 {{field 'p' of record 'field' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct alias { char c; node_ref p; } __attribute__((packed));
// expected-error@-1 {{field 'p' of record 'alias' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct outer { char c; struct node n; } __attribute__((packed));
// expected-error@-1 {{field 'n' of record 'outer' is packed: a persistent pointer lies on a multiple of 8; remove the packing, or mark the field transient}}
struct PERDURE kept { PERDURE_TRANSIENT int *p; char c; } __attribute__((packed));
struct PERDURE fine { char c; int *p; unsigned bits : 3, more : 5; int *q[2][3]; };

union PERDURE two { int *a; int *b; };
// expected-error@-1 {{'a' is a persistent pointer that shares its place with other members of a union, whose stored bits mean different things; give it a place of its own, or mark it transient}}
struct PERDURE nested { union { int *a; long b; } u; };
// expected-error@-1 {{'a' is a persistent pointer that shares its place with other members of a union, whose stored bits mean different things; give it a place of its own, or mark it transient}}
struct PERDURE unnamed { union { int *a; long b; }; };
// expected-error@-1 {{'a' is a persistent pointer that shares its place with other members of a union, whose stored bits mean different things; give it a place of its own, or mark it transient}}
union bytes { struct node n; char bytes[8]; };
// expected-warning@-1 {{union member 'bytes' shares its place with the persistent pointers of 'n' and would show their stored bits; make it a field of its own}}
union by_alias { node_ref a; long b; };
// expected-error@-1 {{'a' is a persistent pointer that shares its place with other members of a union, whose stored bits mean different things; give it a place of its own, or mark it transient}}
union PERDURE alone { int *a; };
union PERDURE transient_ { PERDURE_TRANSIENT int *a; long b; };
union variant { struct node n; struct numbers m; };
