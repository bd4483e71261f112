/*===- perdure/trace_format.h - What a traced run writes --------*- C -*-===*\
|*
|* A program that was compiled with -fperdure-trace writes what it does to the
|* files of its objects to the file that PERDURE_TRACE names; `perdure crash`
|* reads it. docs/CrashExplorer.md says what the events mean to the model.
|*
|* The file: PERDURE_TRACE_MAGIC, then records. A record: the struct below, then
|* text_bytes of text (no NUL), then data_bytes of data. Each record is written
|* by one write(2) to a descriptor with O_APPEND, so records of threads and
|* processes do not mix, and a killed program loses none.
|*
\*===--------------------------------------------------------------------===*/
#ifndef PERDURE_TRACE_FORMAT_H
#define PERDURE_TRACE_FORMAT_H

#include <stdint.h>

#define PERDURE_TRACE_MAGIC "PDTRACE1"

/* What `where`, `extent`, the text and the data hold. Text of a store, flush,
   fence or sync is its place, "file:line" or "library+0xoffset".             */
enum perdure_trace_kind {
  PERDURE_TRACE_MAP = 1,  /* address, bytes; data: path, or nothing for what
                             is no mapping of a file. Text: "shared OFFSET", or
                             "private OFFSET" where stores do not reach the file
                             but by a write that comes later                  */
  PERDURE_TRACE_STORE,    /* address; data: the bytes after the store         */
  PERDURE_TRACE_FLUSH,    /* address, bytes: their lines begin to be written  */
  PERDURE_TRACE_FENCE,    /* of this thread's flushes                         */
  PERDURE_TRACE_MSYNC,    /* address, bytes: begins                           */
  PERDURE_TRACE_SYNC,     /* begins; data: path                               */
  PERDURE_TRACE_SYNCED,   /* what this thread began last is done              */
  PERDURE_TRACE_CREATE,   /* data: path of a new file                         */
  PERDURE_TRACE_MKDIR,    /* data: path                                       */
  PERDURE_TRACE_LINK,     /* data: old path, NUL, new path                    */
  PERDURE_TRACE_RENAME,   /* data: old path, NUL, new path                    */
  PERDURE_TRACE_UNLINK,   /* data: path                                       */
  PERDURE_TRACE_SIZE,     /* where: new size; data: path                      */
  PERDURE_TRACE_WRITE,    /* where: offset; data: path, NUL, the bytes        */
  PERDURE_TRACE_TOUCH,    /* data: path of a file whose time is set           */
  PERDURE_TRACE_NOTE      /* data: what the program promises from now on      */
};

struct perdure_trace_record {
  uint32_t kind; /* perdure_trace_kind */
  uint32_t thread;
  uint32_t process;
  uint32_t text_bytes;
  uint64_t data_bytes;
  uint64_t where, extent;
};

#endif /* PERDURE_TRACE_FORMAT_H */
