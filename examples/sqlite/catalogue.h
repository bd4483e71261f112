// catalogue.h - Which tables a store has: makes them, finds them, and takes
// them out.
#ifndef PERDURE_SQLITE_CATALOGUE_H
#define PERDURE_SQLITE_CATALOGUE_H

#include "table.h"

/// Makes the table in its store. One of that name and definition that is there
/// becomes this one.
int create_table(table &t);
/// Finds it.
int find_table(table &t);
/// Removes it with its rows, or gives it another name; in the transaction.
int drop_table(table &t);
int rename_table(table &t, const char *name);

#endif
