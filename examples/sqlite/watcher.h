// watcher.h - The table perdure_transaction, which has no rows: SQLite tells it
// of the transactions in which a statement could have changed it.
//
// CREATE, DROP and ALTER TABLE change the store's catalogue within the
// transaction, but SQLite tells a table that is dropped nothing more, and one
// that is created nothing of the savepoints before. So the module then deletes
// none of this one's rows.
#ifndef PERDURE_SQLITE_WATCHER_H
#define PERDURE_SQLITE_WATCHER_H

#include "session.h"

int register_watcher(connection &c);

#endif
