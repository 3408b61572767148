/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The policy that is built in. */
#ifndef RESUME_DEFAULTS_H
#define RESUME_DEFAULTS_H

#include "kernel.h"
#include "layout.h"

/*
 * In force where no prefix matches, so that the program is complete without
 * user space. A test compares it with DefaultPolicy of pkg/resume.
 */
static __always_inline void policy_default(struct resume_policy *policy)
{
	__builtin_memset(policy, 0, sizeof(*policy));
	policy->max_jump_bytes = 1 << 20;
	policy->lifetime_s = 600;
	policy->mode = RESUME_MODE_CAREFUL;
	policy->sharing = RESUME_SHARING_SINGLE;
	policy->key_bits_v4 = 32;
	policy->key_bits_v6 = 64;
	policy->learn = 1;
	policy->rtt_low_percent = 50;
	policy->rtt_high_percent = 1000;
}

#endif
