// RUN: %clangxx -std=c++20 -fsyntax-only -ferror-limit=0 -Xclang -verify %s

// What an annotated record may not hold, and annotations without effect.
#include <perdure/perdure.h>
#include <string>

struct PERDURE base { base *b; };
struct native { int *p; };
struct polymorphic { virtual void f(); };

struct PERDURE reference { int &r; };
// expected-error@-1 {{field 'r' of the annotated record 'reference' is a reference, which cannot be persistent; make it a pointer, or mark it [[perdure::transient]]}}
struct PERDURE code { void (*f)(); };
// expected-error@-1 {{field 'f' of the annotated record 'code' points to code, whose address changes from run to run; store an index into a table of functions, or mark the field transient}}
struct PERDURE member_code { void (base::*f)(); };
// expected-error@-1 {{field 'f' of the annotated record 'member_code' points to code, whose address changes from run to run; store an index into a table of functions, or mark the field transient}}
struct PERDURE atomic { int *_Atomic p; };
// expected-error@-1 {{field 'p' of the annotated record 'atomic' is an _Atomic pointer, which cannot be persistent; make it a plain pointer and use perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
struct PERDURE holds { native n; };
// expected-error@-1 {{field 'n' of the annotated record 'holds' has type 'native', which holds native pointers ('p'); annotate that type too, use a persistent one in its place, or mark the field transient}}
struct PERDURE holds_array { native n[3]; };
// expected-error@-1 {{field 'n' of the annotated record 'holds_array' has type 'native[3]', which holds native pointers ('p'); annotate that type too, use a persistent one in its place, or mark the field transient}}
struct PERDURE holds_string { std::string s; };
// expected-error@-1 {{field 's' of the annotated record 'holds_string' has type 'std::string' (aka 'basic_string<char>'), which holds native pointers ('_M_dataplus'); annotate that type too, use a persistent one in its place, or mark the field transient}}
struct PERDURE virtual_function { virtual void f(); };
// expected-error@-1 {{'f' is virtual, but the annotated record 'virtual_function' would then hold a pointer to code; use a tag and a switch, or a table of functions outside the object}}
struct PERDURE virtual_base : virtual base {};
// expected-error@-1 {{'base' is a virtual base of the annotated record 'virtual_base', which would hold native pointers to find it; derive from it directly}}
struct PERDURE native_base : native {};
// expected-error@-1 {{the annotated record 'native_base' has base 'native', which holds native pointers ('p'); annotate the base too}}
struct PERDURE polymorphic_base : polymorphic {};
// expected-error@-1 {{the annotated record 'polymorphic_base' has base 'polymorphic', which holds native pointers (its table of virtual functions); annotate the base too}}
template <class T> struct PERDURE value { T v; };
// expected-error@-1 {{field 'v' of the annotated record 'value<int *>' has become the pointer 'int *' through a template argument and would stay native; instantiate with perdure::ref}}
// expected-error@-2 {{field 'v' of the annotated record 'value<std::string>' has type 'std::basic_string<char>' through a template argument, which holds native pointers ('_M_dataplus')}}
template struct value<long>;
template struct value<base>;
template struct value<perdure::ref<int>>;
template struct value<int *>;
template struct value<std::string>;
template <class T> struct field_of { [[perdure::persistent]] T v; };
// expected-error@-1 {{v is annotated as persistent, but 'T' need not be a pointer; annotate a pointer to the template parameter}}

template <class T> struct PERDURE special { T *p; };
template <> struct special<char> { char *p; };
// expected-warning@-1 {{this specialisation of the annotated template 'special' does not inherit the annotation, so its pointers stay native; annotate it too}}
template <class T> struct special<T *> { T **p; };
// expected-warning@-1 {{this specialisation of the annotated template 'special' does not inherit the annotation, so its pointers stay native; annotate it too}}
template <> struct PERDURE special<int> { int *p; };

struct late { base *p; };
// expected-note@-1 {{previous definition is here}}
struct PERDURE late;
// expected-error@-1 {{'late' is annotated after its definition, where it has no effect; write the annotation on the definition, or before it}}
typedef struct { int *p; } unnamed PERDURE;
// expected-error@-1 {{the annotation on 'unnamed' comes after its record, where it has no effect; write it behind the keyword: typedef struct PERDURE { ... } unnamed}}
struct used {
  base *p;
  base *get() { return p; } // parsed when the annotation is known
  base *copy = p;
} PERDURE;

struct misplaced {
  [[perdure::persistent]] int v;
// expected-error@-1 {{v is annotated as persistent, but 'int' is no pointer}}
  [[perdure::persistent]] void (*f)();
// expected-error@-1 {{f is annotated as persistent, but 'void (*)()' points to code, which no object holds; remove the annotation}}
  [[perdure::persistent]] int &r;
// expected-error@-1 {{r is annotated as persistent, but it is a reference; use a pointer}}
  [[perdure::persistent]] std::string s;
// expected-error@-1 {{s is annotated as persistent, but 'std::string' (aka 'basic_string<char>') is no pointer; annotate the record itself: struct PERDURE name {}}
};
[[perdure::persistent]] void function();
// expected-error@-1 {{'persistent' belongs on a record, a field, a variable or an alias; it has no meaning here}}
void parameter([[perdure::persistent]] int *p);
// expected-error@-1 {{parameter 'p' is annotated as persistent, but a parameter is a native pointer; remove the annotation}}
[[perdure::transient]] int *variable;
// expected-error@-1 {{'transient' keeps a field of an annotated record native; it has no meaning here}}

struct PERDURE fine {
  [[perdure::transient]] int &r;
  [[perdure::transient]] void (*f)();
  [[perdure::transient]] std::string s;
  int fine::*offset;
  base value;
  base *array[2][3];
  base *self = nullptr;
  static std::string of_the_class;
  void method();
  friend bool operator==(const fine &, const fine &);
};
