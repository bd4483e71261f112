// Another encoding for a record: its fields, and all that reads and writes them.
// RUN: perdure-opt %s --perdure-choose-encodings=encodings=node=xor | FileCheck %s
// RUN: perdure-opt %s "--perdure-choose-encodings=encodings=node=inverted,list=self-relative" | FileCheck %s --check-prefix=OLD
// RUN: perdure-opt %s "--perdure-choose-encodings=encodings=*=xor" | FileCheck %s --check-prefix=ALL
// RUN: not perdure-opt %s --perdure-choose-encodings=encodings=node=rot13 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: perdure-choose-encodings: 'node=rot13' is no RECORD=ENCODING; there are the encodings object, native
// RUN: not perdure-opt %s --perdure-choose-encodings=encodings=node=xor,node=strict 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: perdure-choose-encodings: 'node=strict' comes after another encoding for record 'node': leave one of them out
// RUN: perdure-opt %s --perdure-choose-encodings=encodings=node=xor,node=xor | FileCheck %s
// RUN: not perdure-opt %s --perdure-choose-encodings=encodings=node=xor,nodes=xor 2>&1 | FileCheck %s --check-prefix=NOBODY
// NOBODY: perdure-choose-encodings: there is no record 'nodes' in this module

// CHECK-DAG: !perdure.record<"node", "xor", body {next: !perdure.ptr<!perdure.record<"node", "xor">>, value: i64}>
// What leads to it is another type, too, and keeps what it had.
// CHECK-DAG: !perdure.record<"list", "object", body {head: !perdure.ptr<!node>, kids: !perdure.ptr<!perdure.ptr<!node>>}>
// ALL-DAG: !perdure.record<"list", "xor", body
!node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>
!list = !perdure.record<"list", body {head: !perdure.ptr<!node>, kids: !perdure.ptr<!perdure.ptr<!node>>}>

// CHECK-LABEL: @push
// CHECK-SAME: (%[[L:.*]]: !perdure.native<!list>, %[[N:.*]]: !perdure.native<!node>)
// OLD-LABEL: @push
func.func @push(%l: !perdure.native<!list>, %n: !perdure.native<!node>) {
  // CHECK: %[[HEAD:.*]] = perdure.field %[[L]]["head"]
  %head = perdure.field %l["head"] : !perdure.native<!list>
  // CHECK: perdure.load %[[HEAD]] : <!perdure.ptr<!node, "object">>
  %bits = perdure.load %head : !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.decode %{{.*}} at %[[HEAD]] : !perdure.ptr<!node, "object">
  // OLD: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!node, "self-relative">
  %first = perdure.decode %bits at %head : !perdure.ptr<!node>
  // CHECK: %[[NEXT:.*]] = perdure.field %[[N]]["next"]
  // OLD: %[[NEXT:.*]] = perdure.field %{{.*}}["next"]
  %next = perdure.field %n["next"] : !perdure.native<!node>
  // CHECK: perdure.encode %{{.*}} at %[[NEXT]] : !perdure.ptr<!node, "xor">
  // OLD: %[[HELD:.*]] = perdure.load %[[NEXT]] : <!perdure.ptr<!node, "inverted">>
  // OLD: perdure.encode %{{.*}} at %[[NEXT]] old %[[HELD]] : !perdure.ptr<!node, "inverted">
  %new = perdure.encode %first at %next : !perdure.ptr<!node>
  // CHECK: perdure.store %{{.*}}, %[[NEXT]] : <!perdure.ptr<!node, "xor">>
  perdure.store %new, %next : !perdure.native<!perdure.ptr<!node>>
  %back = perdure.encode %n at %head : !perdure.ptr<!node>
  perdure.store %back, %head : !perdure.native<!perdure.ptr<!node>>
  return
}

// At every level, as an annotation of the struct does.
// ALL-LABEL: @levels
func.func @levels(%l: !perdure.native<!list>, %i: index) -> !perdure.native<!node> {
  %kids = perdure.field %l["kids"] : !perdure.native<!list>
  %bits = perdure.load %kids : !perdure.native<!perdure.ptr<!perdure.ptr<!node>>>
  // ALL: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!perdure.ptr<!node, "xor">, "xor">
  %array = perdure.decode %bits at %kids : !perdure.ptr<!perdure.ptr<!node>>
  %e = perdure.element %array[%i : index] : !perdure.native<!perdure.ptr<!node>>
  %e.bits = perdure.load %e : !perdure.native<!perdure.ptr<!node>>
  // ALL: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!node, "xor">
  %n = perdure.decode %e.bits at %e : !perdure.ptr<!node>
  return %n : !perdure.native<!node>
}

// MLIR asks bits for null where 0 is: in `lazy-null` it is not.
// RUN: perdure-opt %s --canonicalize --perdure-choose-encodings=encodings=node=lazy-null | FileCheck %s --check-prefix=NULL
// NULL-LABEL: @last
func.func @last(%n: !perdure.native<!node>) -> i1 {
  %next = perdure.field %n["next"] : !perdure.native<!node>
  %bits = perdure.load %next : !perdure.native<!perdure.ptr<!node>>
  // NULL: %[[P:.*]] = perdure.decode
  // NULL: perdure.is_null %[[P]] : !perdure.native<!node>
  %p = perdure.decode %bits at %next : !perdure.ptr<!node>
  %null = perdure.is_null %p : !perdure.native<!node>
  return %null : i1
}

// What is loaded at one place and stored at another of the same object was one value.
// RUN: perdure-opt %s --canonicalize --perdure-choose-encodings=encodings=both=self-relative | FileCheck %s --check-prefix=MOVED
// MOVED-LABEL: @move
!both = !perdure.record<"both", body {l: !perdure.ptr<!node>, r: !perdure.ptr<!node>}>
func.func @move(%b: !perdure.native<!both>) {
  // MOVED: %[[L:.*]] = perdure.field %{{.*}}["l"]
  %l = perdure.field %b["l"] : !perdure.native<!both>
  // MOVED: %[[BITS:.*]] = perdure.load %[[L]]
  %bits = perdure.load %l : !perdure.native<!perdure.ptr<!node>>
  %p = perdure.decode %bits at %l : !perdure.ptr<!node>
  // MOVED: %[[R:.*]] = perdure.field %{{.*}}["r"]
  %r = perdure.field %b["r"] : !perdure.native<!both>
  // MOVED: %[[NEW:.*]] = perdure.reencode %[[BITS]] from %[[L]] to %[[R]] : !perdure.ptr<!node, "self-relative">
  // MOVED: perdure.store %[[NEW]], %[[R]]
  %new = perdure.encode %p at %r : !perdure.ptr<!node>
  perdure.store %new, %r : !perdure.native<!perdure.ptr<!node>>
  return
}
