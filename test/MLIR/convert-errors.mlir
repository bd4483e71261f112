// RUN: perdure-opt %s --convert-perdure-to-llvm --split-input-file --verify-diagnostics

func.func @structured(%p: !perdure.native<i64>, %v: i64, %c: i1) {
  scf.if %c {
    // expected-error @+2 {{a silent store branches: run convert-scf-to-cf before}}
    // expected-error @+1 {{failed to legalize operation 'perdure.store'}}
    perdure.store silent %v, %p : !perdure.native<i64>
  }
  return
}

// -----

// One name, two encodings: C++ knows one of them at most.
// expected-error @+1 {{record "b" has pointers of one encoding here and another there}}
module {
  func.func @two(%n: !perdure.native<!perdure.record<"b", body {q: !perdure.ptr<i64>}>>,
                 %m: !perdure.native<!perdure.record<"b", "xor", body {q: !perdure.ptr<i64>}>>) {
    return
  }
}

// -----

// The pointer is the first of two words here, and the second there.
// expected-error @+1 {{record "b" has one layout here and another there: in another encoding it has the same fields, so give one of them another name}}
module {
  func.func @swapped(%n: !perdure.native<!perdure.record<"b", body {q: !perdure.ptr<i64>, r: i64}>>,
                     %m: !perdure.native<!perdure.record<"b", "object", body {q: i64, r: !perdure.ptr<i64>}>>) {
    return
  }
}

// -----

// Or two layouts.
// expected-error @+1 {{record "b" has one layout here and another there: in another encoding it has the same fields, so give one of them another name}}
module {
  func.func @layouts(%n: !perdure.native<!perdure.record<"b", body {q: !perdure.ptr<i64>}>>,
                     %m: !perdure.native<!perdure.record<"b", "object", body {x: i64, q: !perdure.ptr<i64>}>>) {
    return
  }
}
