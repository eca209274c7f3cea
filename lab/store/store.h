/* What the store keeps: STORE_RECORDS records of STORE_BYTES bytes, all zeroes at first. */
#ifndef STORE_H
#define STORE_H

enum { STORE_RECORDS = 64, STORE_BYTES = 64 };

#endif
