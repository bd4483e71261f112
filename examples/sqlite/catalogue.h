// catalogue.h - Which tables a store has: makes them, finds them, and takes
// them out.
#ifndef PERDURE_SQLITE_CATALOGUE_H
#define PERDURE_SQLITE_CATALOGUE_H

#include "table.h"

/// Makes the table in its store. One of that name and definition that is there
/// becomes this one.
int create_table(table &t);
/// Finds it. That the store has none of that name and definition is no error: a
/// table that somebody has dropped there can be dropped here then.
int find_table(table &t);
/// SQLITE_OK: the catalogue has it, as `txn` sees it.
int look_up(table &t, pkv_txn *txn);
/// Removes it with its rows, if the store has it, or gives it another name; in
/// the transaction.
int drop_table(table &t);
int rename_table(table &t, const char *name);

#endif
