// dump.h - The table perdure_dump: SQL that makes all tables again, with their
// rows.
#ifndef PERDURE_SQLITE_DUMP_H
#define PERDURE_SQLITE_DUMP_H

#include "session.h"

int register_dump(connection &c);

#endif
