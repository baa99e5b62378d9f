/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_sim.c - struct drv_ops on virtual time.
 *
 *   submit ─▶ sim_sock / sim_link / sim_disk_io / job ─▶ ready list ─▶ turn: done()
 *   post   ─▶ a box per sender, delayed   ─────────────────▶ turn: run()
 *
 * A turn runs what was ready when it began, sometimes only a part of it; mail
 * of different senders mixes as it comes due, mail of one sender keeps order.
 */
#include "config.h"

#include "tests/sim/drv_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/loop/loop.h"
#include "tests/sim/sim_disk_fs.h"
#include "tests/sim/sim_disk_io.h"
#include "tests/sim/sim_home.h"
#include "tests/sim/sim_lend.h"
#include "tests/sim/sim_link.h"
#include "tests/sim/sim_sock.h"

#define SENDERS (SIM_LOOPS + 2) /* and main, and the helpers */

struct sim_ready {
	struct drv_op *op;
	int64_t res;
	bool armed;
	struct sim_ready *next;
};

struct sim_box {
	struct loop_mail *first, *last;
};

struct drv {
	struct sim_home home;
	struct loop *loop;
	struct sim_machine *machine;
	unsigned index;
	struct sim_ready *first, *last, *spare;
	unsigned n_ready, in_flight;
	struct sim_box box[SENDERS];
};

/* A job on its way: first it runs, then it has ended. */
struct sim_job {
	struct sim_event event;
	struct drv *drv;
	struct drv_op *op;
	int64_t res;
	bool ran;
};

static struct sim_machine *the_machine;

void drv_sim_use(struct sim_machine *machine)
{
	the_machine = machine;
}

/* ---- results ------------------------------------------------------------ */

static void ready(struct sim_home *home, struct drv_op *op, int64_t res, bool armed)
{
	struct drv *drv = SIM_OF(home, struct drv, home);
	struct sim_ready *r = drv->spare;

	if (r)
		drv->spare = r->next;
	else
		r = malloc(sizeof(*r));
	GW_CHECK(r);
	*r = (struct sim_ready){ op, res, armed, NULL };
	*(drv->last ? &drv->last->next : &drv->first) = r;
	drv->last = r;
	drv->n_ready++;
}

static void run_one(struct drv *drv)
{
	struct sim_ready *r = drv->first;
	struct drv_op *op = r->op;
	int64_t res = r->res;

	drv->first = r->next;
	drv->last = drv->first ? drv->last : NULL;
	drv->n_ready--;
	r->next = drv->spare;
	drv->spare = r;
	if (!r->armed) {
		op->busy = 0;
		drv->in_flight--;
	}
	if ((op->kind == DRV_RECV || op->kind == DRV_SEND) && res <= 0 && res != -ECANCELED)
		sim_sock_told(drv->machine->net, op->sock);
	op->done(op, res);
}

/* ---- create and destroy ------------------------------------------------- */

static int create(struct loop *loop, struct loop_pool *pool, struct drv **out, struct gw_err *err)
{
	struct sim_machine *m = the_machine;
	struct drv *drv;
	unsigned index = loop_index(loop);

	(void)pool;
	if (!m || index >= SIM_LOOPS || m->drv[index])
		return gw_err_set(err, EINVAL, "the simulation has %d loops", SIM_LOOPS);
	drv = calloc(1, sizeof(*drv));
	GW_CHECK(drv);
	drv->home = (struct sim_home){ .ready = ready, .index = index };
	drv->loop = loop;
	drv->machine = m;
	drv->index = index;
	m->drv[index] = drv;
	m->disk->fs.ops = &sim_disk_fs_ops;
	m->ether->links.ops = &sim_link_ops;
	*out = drv;
	return 0;
}

static void destroy(struct drv **address)
{
	struct drv *drv = *address;

	if (!drv)
		return;
	if (drv->in_flight)
		sim_world_broken(drv->machine->world, "loop %u ends with %u operations in flight",
				 drv->index, drv->in_flight);
	while (drv->spare) {
		struct sim_ready *r = drv->spare;

		drv->spare = r->next;
		free(r);
	}
	drv->machine->drv[drv->index] = NULL;
	free(drv);
	*address = NULL;
}

/* ---- operations --------------------------------------------------------- */

static void end_job(struct sim_job *job)
{
	struct drv *drv = job->drv;

	drv->machine->jobs--;
	sim_note(drv->machine->world, SIM_TR_JOB_DONE, drv->index, (uint64_t)job->res, 0);
	ready(&drv->home, job->op, job->res, false);
	free(job);
}

static void fire_job(struct sim_event *event)
{
	struct sim_job *job = SIM_OF(event, struct sim_job, event);
	struct sim_machine *m = job->drv->machine;
	enum sim_at at = m->at;

	if (job->ran) {
		end_job(job);
		return;
	}
	sim_note(m->world, SIM_TR_JOB, job->drv->index, 0, 0);
	m->at = SIM_AT_HELPER;
	m->disk->penalty_ns = 0;
	job->res = job->op->job(job->op);
	job->ran = true;
	m->at = at;
	sim_world_after(m->world, &job->event,
			m->disk->penalty_ns + sim_rng_log(&m->world->rng, 1000, 100 * SIM_US));
}

static void submit_job(struct drv *drv, struct drv_op *op)
{
	struct sim_job *job = calloc(1, sizeof(*job));
	struct sim_world *w = drv->machine->world;

	GW_CHECK(job);
	*job = (struct sim_job){ .event.fire = fire_job, .drv = drv, .op = op };
	drv->machine->jobs++;
	sim_world_after(w, &job->event, sim_rng_log(&w->rng, 1000, 200 * SIM_US));
}

static void submit(struct drv *drv, struct drv_op *op)
{
	struct sim_machine *m = drv->machine;

	if (op->busy)
		sim_world_broken(m->world, "an operation of kind %u is submitted twice", op->kind);
	op->busy = 1;
	drv->in_flight++;
	switch ((enum drv_kind)op->kind) {
	case DRV_ACCEPT:
	case DRV_RECV:
	case DRV_SEND:
		sim_sock_submit(m->net, &drv->home, op);
		break;
	case DRV_READ:
	case DRV_WRITE:
	case DRV_SYNC:
		sim_disk_io_submit(m->disk, &drv->home, op);
		break;
	case DRV_JOB:
		submit_job(drv, op);
		break;
	case DRV_POLL: /* nothing else that is foreign ever happens here */
		if (sim_link_is(m->ether, op->sock))
			sim_link_poll(m->ether, &drv->home, op);
		break;
	default:
		sim_world_broken(m->world, "an operation of kind %u", op->kind);
	}
}

static void cancel_poll(struct drv *drv, struct drv_op *op)
{
	struct sim_ether *ether = drv->machine->ether;

	if (sim_link_is(ether, op->sock) && !sim_link_cancel(ether, op))
		return; /* twice */
	ready(&drv->home, op, -ECANCELED, false);
}

static void cancel(struct drv *drv, struct drv_op *op)
{
	if (!op->busy)
		return;
	if (op->kind == DRV_ACCEPT || op->kind == DRV_RECV)
		sim_sock_cancel(drv->machine->net, &drv->home, op);
	else if (op->kind == DRV_POLL)
		cancel_poll(drv, op);
}

/* ---- mail --------------------------------------------------------------- */

static unsigned sender(const struct sim_machine *m)
{
	if (m->at == SIM_AT_LOOP)
		return m->at_loop;
	return m->at == SIM_AT_HELPER ? SIM_LOOPS + 1 : SIM_LOOPS;
}

static void post(struct drv *drv, struct loop_mail *mail)
{
	struct sim_machine *m = drv->machine;
	unsigned from = sender(m);
	struct sim_box *box = &drv->box[from];

	mail->next = NULL;
	mail->due = m->world->now_ns + sim_rng_log(&m->world->rng, m->mail_min_ns, m->mail_max_ns);
	if (box->last && box->last->due > mail->due)
		mail->due = box->last->due;
	*(box->last ? &box->last->next : &box->first) = mail;
	box->last = mail;
	sim_note(m->world, SIM_TR_MAIL, drv->index, from, mail->due);
}

/* The box whose first letter is due first. */
static const struct sim_box *next_box(const struct drv *drv)
{
	const struct sim_box *best = NULL;

	for (unsigned i = 0; i < SENDERS; i++)
		if (drv->box[i].first && (!best || drv->box[i].first->due < best->first->due))
			best = &drv->box[i];
	return best;
}

static bool mail_due(const struct drv *drv)
{
	const struct sim_box *box = next_box(drv);

	return box && box->first->due <= drv->machine->world->now_ns;
}

static void read_one(struct drv *drv)
{
	struct sim_box *box = &drv->box[next_box(drv) - drv->box];
	struct loop_mail *mail = box->first;

	box->first = mail->next;
	box->last = box->first ? box->last : NULL;
	mail->run(mail);
}

uint64_t drv_sim_due_ns(const struct drv *drv)
{
	const struct sim_box *box = next_box(drv);

	if (drv->first)
		return 0;
	return box ? box->first->due : SIM_NEVER;
}

unsigned drv_sim_in_flight(const struct drv *drv)
{
	unsigned n = drv->in_flight;

	for (unsigned i = 0; i < SENDERS; i++)
		for (struct loop_mail *mail = drv->box[i].first; mail; mail = mail->next)
			n++;
	return n;
}

/* ---- the turn ----------------------------------------------------------- */

static unsigned turn(struct drv *drv, struct instant until)
{
	struct sim_machine *m = drv->machine;
	struct sim_rng *rng = &m->world->rng;
	unsigned ran = 0, left;

	if (until.ns > (int64_t)m->world->now_ns && drv_sim_due_ns(drv) > m->world->now_ns)
		m->wait(m, drv, (uint64_t)until.ns);
	loop_reaped(drv->loop);
	left = drv->n_ready;
	if (left > 1 && sim_rng_chance(rng, 1, 8))
		left = (unsigned)sim_rng_between(rng, 1, left);
	while (left || mail_due(drv)) {
		if (left && (!mail_due(drv) || sim_rng_chance(rng, 1, 2))) {
			run_one(drv);
			left--;
		} else {
			read_one(drv);
		}
		ran++;
	}
	return ran;
}

/* ---- lending ------------------------------------------------------------ */

static const void *lend(struct drv *drv, struct drv_file *file, uint64_t offset, uint32_t length)
{
	return sim_lend(drv->machine->disk, file, offset, length);
}

static bool peek(struct drv *drv, void *to, const void *lent, size_t bytes)
{
	return sim_lend_copy(drv->machine->world, to, lent, bytes);
}

static void torn(struct drv *drv)
{
	sim_lend_torn(drv->machine->disk);
}

static bool is_home(const struct drv *drv)
{
	const struct sim_machine *m = drv->machine;

	return m->at == SIM_AT_MAIN || (m->at == SIM_AT_LOOP && m->at_loop == drv->index);
}

static struct instant now(struct drv *drv)
{
	return (struct instant){ (int64_t)drv->machine->world->now_ns };
}

static int64_t wall_ns(struct drv *drv)
{
	return (int64_t)drv->machine->world->now_ns + 1700000000ll * (int64_t)SIM_S;
}

static void random_bytes(struct drv *drv, void *buf, size_t len)
{
	uint8_t *out = buf;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t x = sim_rng_next(&drv->machine->world->rng);

		memcpy(out + i, &x, len - i < 8 ? len - i : 8);
	}
}

/* ---- the rest is the network's and the disk's --------------------------- */

static int sock_listen(struct drv *drv, struct loop_addr *addr, int *sock, struct gw_err *err)
{
	return sim_sock_listen(drv->machine->net, addr, sock, err);
}

static void sock_tune(struct drv *drv, int sock)
{
	(void)drv;
	(void)sock;
}

static int sock_peer(struct drv *drv, int sock, struct loop_peer *peer)
{
	return sim_sock_peer(drv->machine->net, sock, peer);
}

static void sock_shut(struct drv *drv, int sock)
{
	sim_sock_shut(drv->machine->net, sock);
}

static void sock_close(struct drv *drv, int sock)
{
	sim_sock_close(drv->machine->net, sock);
}

static struct drv_fs *fs(struct drv *drv)
{
	return &drv->machine->disk->fs;
}

static struct drv_links *links(struct drv *drv)
{
	return &drv->machine->ether->links;
}

const struct drv_ops drv_sim = {
	.name = "sim",
	.helpers = false,
	.create = create,
	.destroy = destroy,
	.submit = submit,
	.cancel = cancel,
	.turn = turn,
	.lend = lend,
	.peek = peek,
	.torn = torn,
	.is_home = is_home,
	.post = post,
	.now = now,
	.wall_ns = wall_ns,
	.random = random_bytes,
	.sock_listen = sock_listen,
	.sock_tune = sock_tune,
	.sock_peer = sock_peer,
	.sock_shut = sock_shut,
	.sock_close = sock_close,
	.fs = fs,
	.links = links,
};
