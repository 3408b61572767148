// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * An application asks for one of its connections, because it learnt who its
 * client is after the connection was made. One instance of these programs for
 * each cgroup that the operator allowed.
 */
#include "ask.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Options that are longer than the kernel shows pass untouched. */
#define SHOWN_BYTES 4096

/* Each field by itself and from the context's beginning, as the verifier wants it. */
#define ctx_set(ctx, field, value)                                                                 \
	({                                                                                         \
		volatile struct bpf_sockopt *_ctx = ctx;                                           \
		barrier_var(_ctx);                                                                 \
		_ctx->field = value;                                                               \
	})

static __always_inline bool is_ask(const struct bpf_sockopt *ctx)
{
	return ctx->level == RESUME_ASK_LEVEL && ctx->optname == RESUME_ASK_NAME;
}

SEC("cgroup/setsockopt")
int tcp_ask(struct bpf_sockopt *ctx)
{
	enum resume_verdict verdict;

	if (!is_ask(ctx)) {
		if (ctx->optlen > SHOWN_BYTES)
			ctx_set(ctx, optlen, 0);
		return 1;
	}
	if (ctx->optlen < 0) /* the rule of a cgroup further down has answered */
		return 1;
	verdict = ask_judge(ctx);
	stats_verdict(ask, verdict);
	ctx_set(ctx, optlen, -1); /* the kernel itself never sees it */
	if (!verdict)
		return 1;
	bpf_set_retval(-ask_errno(verdict));
	return 0;
}

/* A function of its own, so that the object describes the answer. */
static __noinline void ask_answer(struct resume_answer *answer, const struct resume_conn *conn)
{
	__builtin_memset(answer, 0, sizeof(*answer));
	answer->version = RESUME_ASK_VERSION;
	answer->mode = RESUME_MODE_OFF;
	if (!conn)
		return;
	answer->phase = conn->ph.now;
	answer->outcome = conn->outcome;
	answer->mode = conn->event.mode;
	answer->cwnd_bytes = conn->event.cwnd_bytes;
	answer->ssthresh_bytes = conn->event.ssthresh_bytes;
	answer->jump_bytes = conn->ph.jump;
	answer->limit = conn->ph.limit;
}

SEC("cgroup/getsockopt")
int tcp_answer(struct bpf_sockopt *ctx)
{
	struct resume_answer *answer = ctx->optval;
	struct bpf_sock *sk = ctx->sk;
	struct resume_conn *conn;

	if (!is_ask(ctx)) {
		if (ctx->optlen > SHOWN_BYTES)
			ctx_set(ctx, optlen, 0);
		return 1;
	}
	if (!sk || ctx->optlen < (int)sizeof(*answer) || (void *)(answer + 1) > ctx->optval_end) {
		bpf_set_retval(-EINVAL);
		return 0;
	}
	conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);
	ask_answer(answer, conn);
	ctx_set(ctx, optlen, sizeof(*answer));
	ctx_set(ctx, retval, 0);
	return 1;
}
