// Records that lead to what holds them by value: however they are met, what is printed
// is read again.
// RUN: perdure-opt %s --split-input-file | perdure-opt --split-input-file | FileCheck %s
// RUN: perdure-opt %s --split-input-file --perdure-choose-encodings=encodings=*=xor | perdure-opt --split-input-file | FileCheck %s --check-prefix=XOR

// CHECK-DAG: record<"list", body {first: !perdure.ptr<!perdure.record<"node"{{.*}}>>}>
// CHECK-LABEL: @list_first
// XOR-LABEL: @list_first
!list = !perdure.record<"list", body {first: !perdure.ptr<!perdure.record<"node", body {kids: !perdure.record<"list">, more: !perdure.array<2x!perdure.record<"list">>, value: i64}>>}>
func.func @list_first(%l: !perdure.native<!list>) -> i64 {
  %at = perdure.field %l["first"] : !perdure.native<!list>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!perdure.record<"node">>>
  // XOR: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!{{.*}}, "xor">
  %n = perdure.decode %bits at %at : !perdure.ptr<!perdure.record<"node">>
  %v.at = perdure.field %n["value"] : !perdure.native<!perdure.record<"node">>
  // CHECK: perdure.load
  %v = perdure.load %v.at : !perdure.native<i64>
  return %v : i64
}

// -----

// CHECK-LABEL: @node_first
!knot = !perdure.record<"knot", body {kids: !perdure.record<"ring", body {first: !perdure.ptr<!perdure.record<"knot">>}>, value: i64}>
func.func @node_first(%n: !perdure.native<!knot>) -> !perdure.native<!knot> {
  %kids = perdure.field %n["kids"] : !perdure.native<!knot>
  %at = perdure.field %kids["first"] : !perdure.native<!perdure.record<"ring">>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!knot>>
  // CHECK: perdure.decode
  %k = perdure.decode %bits at %at : !perdure.ptr<!knot>
  return %k : !perdure.native<!knot>
}

// -----

// What waits for one that is complete by now is complete, too.
// CHECK-LABEL: @in_the_middle
!outer = !perdure.record<"outer", body {x: !perdure.record<"mid", body {q: !perdure.ptr<!perdure.record<"inner", body {m: !perdure.record<"mid">}>>}>, y: !perdure.record<"inner">}>
func.func @in_the_middle(%n: !perdure.native<!outer>) {
  return
}
