// RUN: %clang -target i386-linux-gnu -fsyntax-only -Xclang -verify %s
// RUN: %clang -target x86_64-linux-gnux32 -fsyntax-only -Xclang -verify %s

// A persistent pointer has 64 bits, and so must a native one.
#define PERDURE __attribute__((perdure_persistent))

struct PERDURE node { struct node *next; };
// expected-error@-1 {{field 'next' of the annotated record 'node' cannot be persistent on a target whose pointers are not 64 bits wide; compile for a 64-bit target}}
PERDURE int *variable;
// expected-error@-1 {{variable cannot be persistent on a target whose pointers are not 64 bits wide; compile for a 64-bit target}}
typedef int *alias PERDURE;
// expected-error@-1 {{alias cannot be persistent on a target whose pointers are not 64 bits wide; compile for a 64-bit target}}
struct PERDURE numbers { long n; };
