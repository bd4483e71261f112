// RUN: %clang_cc1 -std=gnu23 -fsyntax-only -verify %s
#include <perdure/attributes.h>

PERDURE_TRANSACTION void good(int);
[[perdure::transaction]] void spelled(void);
[[perdure::in_transaction]] int inside(int);
[[perdure::tx_safe]] int safe(int, ...);
PERDURE_TRANSACTION int value(void); // expected-error {{'transaction' needs a function that returns void where there are no C++ exceptions: an abort has no value to return; call perdure_transact(object, body, arg), which tells}}
PERDURE_TRANSACTION void varies(int, ...); // expected-error {{'transaction' cannot be on a function with '...'}}
PERDURE_TRANSACTION int variable; // expected-error {{'transaction' is for functions and lambdas}}
struct PERDURE_TX_SAFE record { int x; }; // expected-error {{'tx_safe' is for functions and lambdas}}
PERDURE_TRANSACTION PERDURE_TX_SAFE void both(void); // expected-error {{'tx_safe' contradicts another attribute of transactions on the same function}}
PERDURE_TRANSACTION int main(void) { return 0; } // expected-error {{'transaction' cannot be on 'main'; call a function that has it}}
void good(int n) { (void)n; }
