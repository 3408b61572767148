/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Congestion controls by name: which ones can be wrapped, and by what. */
#ifndef RESUME_CC_H
#define RESUME_CC_H

#include "kernel.h"
#include "layout.h"

#define CC_CUBIC "cubic"
#define CC_RENO "reno"
#define CC_BBR "bbr"
#define CC_WRAPPED_CUBIC "resume_cubic"
#define CC_WRAPPED_RENO "resume_reno"
#define CC_WRAPPED_BBR "resume_bbr"

struct cc_name {
	__u64 words[2]; /* TCP_CA_NAME_MAX characters, padded with zeros */
};

/*
 * Names stay literals at each use and are written as two volatile words, so that
 * they become immediates: objects carry no .rodata, which loaders treat differently.
 */
#define cc_words(words, literal)                                                                   \
	do {                                                                                       \
		const char _literal[TCP_CA_NAME_MAX] = literal;                                    \
		__u64 _head, _tail;                                                                \
		__builtin_memcpy(&_head, _literal, sizeof(_head));                                 \
		__builtin_memcpy(&_tail, _literal + sizeof(_head), sizeof(_tail));                 \
		(words)[0] = _head;                                                                \
		(words)[1] = _tail;                                                                \
	} while (0)

#define cc_is(name, literal)                                                                       \
	({                                                                                         \
		volatile __u64 _words[2];                                                          \
		cc_words(_words, literal);                                                         \
		(name)->words[0] == _words[0] && (name)->words[1] == _words[1];                    \
	})

/* ctx is whatever bpf_setsockopt takes in the program at hand: a socket or a context. */
#define cc_set(ctx, literal)                                                                       \
	({                                                                                         \
		volatile __u64 _words[2];                                                          \
		cc_words(_words, literal);                                                         \
		bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, (void *)_words, sizeof(_words));      \
	})

static __always_inline enum resume_cc cc_of(const struct cc_name *name)
{
	if (cc_is(name, CC_CUBIC))
		return RESUME_CC_CUBIC;
	if (cc_is(name, CC_RENO))
		return RESUME_CC_RENO;
	if (cc_is(name, CC_BBR))
		return RESUME_CC_BBR;
	return RESUME_CC_OTHER;
}

static __always_inline enum resume_cc cc_of_wrapper(const struct cc_name *name)
{
	if (cc_is(name, CC_WRAPPED_CUBIC))
		return RESUME_CC_CUBIC;
	if (cc_is(name, CC_WRAPPED_RENO))
		return RESUME_CC_RENO;
	if (cc_is(name, CC_WRAPPED_BBR))
		return RESUME_CC_BBR;
	return RESUME_CC_OTHER;
}

static __always_inline long cc_wrap(void *ctx, enum resume_cc cc)
{
	if (cc == RESUME_CC_CUBIC)
		return cc_set(ctx, CC_WRAPPED_CUBIC);
	if (cc == RESUME_CC_RENO)
		return cc_set(ctx, CC_WRAPPED_RENO);
	return cc_set(ctx, CC_WRAPPED_BBR);
}

static __always_inline long cc_unwrap(void *ctx, enum resume_cc cc)
{
	if (cc == RESUME_CC_CUBIC)
		return cc_set(ctx, CC_CUBIC);
	if (cc == RESUME_CC_RENO)
		return cc_set(ctx, CC_RENO);
	return cc_set(ctx, CC_BBR);
}

#endif
