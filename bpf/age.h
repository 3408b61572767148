/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long ago: by the clock of all lifetimes, which goes on in suspend. */
#ifndef RESUME_AGE_H
#define RESUME_AGE_H

#include "kernel.h"
#include "layout.h"

#define SECOND_NS 1000000000ULL

/*
 * A time that lies as far ahead is as wrong. A function of its own, so that the
 * object describes the bounds.
 */
static __noinline bool older_than(__u64 at_ns, enum resume_bound seconds)
{
	__s64 age = bpf_ktime_get_boot_ns() - at_ns;

	return (__u64)(age < 0 ? -age : age) > seconds * SECOND_NS;
}

#endif
