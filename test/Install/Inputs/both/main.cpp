#include "node.h"
#include <iostream>

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  auto *root = static_cast<list *>(perdure_open(store, "list", 0));
  if (!root)
    root = static_cast<list *>(perdure_create(store, "list", sizeof(list), 0));
  if (!root || argc != 3 || push(root, std::stol(argv[2])))
    return std::cerr << perdure_errormsg() << '\n', 1;
  for (node *n = root->first; n; n = n->next)
    std::cout << n->value << '\n';
  perdure_store_close(store);
}
