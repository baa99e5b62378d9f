/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_client.c - clients and their seats.
 */
#include "config.h"

#include "protocols/aoe/aoe_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/api/volume.h"

static unsigned bucket_of(const struct aoe_mac *mac)
{
	unsigned hash = 0;

	for (unsigned i = 0; i < AOE_MAC_BYTES; i++)
		hash = hash * 31 + mac->at[i];
	return hash % AOE_BUCKETS;
}

static struct aoe_client *find(struct aoe_port *port, const struct aoe_mac *mac)
{
	struct aoe_client *client = TAILQ_LAST(&port->clients, aoe_client_ages);

	if (client && aoe_mac_same(&client->mac, mac))
		return client; /* frames come in bursts */
	LIST_FOREACH (client, &port->buckets[bucket_of(mac)], bucket)
		if (aoe_mac_same(&client->mac, mac))
			return client;
	return NULL;
}

static void forget(struct aoe_client *client)
{
	struct aoe_port *port = client->port;

	for (unsigned i = 0; i < port->n_disks; i++)
		if (client->seats[i].itl)
			gw_itl_close(&client->seats[i].itl);
	gw_nexus_close(&client->nexus);
	LIST_REMOVE(client, bucket);
	TAILQ_REMOVE(&port->clients, client, age);
	port->n_clients--;
	free(client);
}

static bool make_room(struct aoe_port *port)
{
	struct aoe_client *client;

	if (port->n_clients < AOE_CLIENTS_MAX)
		return true;
	TAILQ_FOREACH (client, &port->clients, age)
		if (!client->n_slots) {
			aoe_count(port, AOE_COUNT_clients_forgotten, 1);
			forget(client);
			return true;
		}
	return false;
}

static struct gw_nexus *open_nexus(struct aoe_port *port, const char *text)
{
	char initiator[GW_PORT_NAME_MAX], target[GW_PORT_NAME_MAX];
	const struct gw_nexus_names names = { "aoe", initiator, target };

	snprintf(initiator, sizeof(initiator), "aoe:%s", text);
	snprintf(target, sizeof(target), "aoe:%s", port->link.link.name);
	return gw_nexus_open(port->gw, port->loop, &names);
}

static struct aoe_client *make(struct aoe_port *port, const struct aoe_mac *mac)
{
	struct aoe_client *client;

	if (!make_room(port))
		return NULL;
	client = calloc(1, sizeof(*client) + port->n_disks * sizeof(client->seats[0]));
	if (!client)
		return NULL;
	client->port = port;
	client->mac = *mac;
	client->since = loop_now(port->loop);
	snprintf(client->text, sizeof(client->text), "%02x:%02x:%02x:%02x:%02x:%02x", mac->at[0],
		 mac->at[1], mac->at[2], mac->at[3], mac->at[4], mac->at[5]);
	client->nexus = open_nexus(port, client->text);
	if (!client->nexus) {
		free(client);
		return NULL;
	}
	for (unsigned i = 0; i < port->n_disks; i++) {
		client->seats[i].client = client;
		client->seats[i].disk = &port->disks[i];
		STAILQ_INIT(&client->seats[i].waiting);
	}
	LIST_INSERT_HEAD(&port->buckets[bucket_of(mac)], client, bucket);
	TAILQ_INSERT_TAIL(&port->clients, client, age);
	port->n_clients++;
	aoe_count(port, AOE_COUNT_clients, 1);
	return client;
}

struct aoe_seat *aoe_client_take(struct aoe_disk *disk, const struct aoe_mac *mac,
				 const struct gw_itl_ops *ops)
{
	struct aoe_port *port = disk->port;
	struct aoe_client *client = find(port, mac);
	struct aoe_seat *seat;

	if (!client)
		client = make(port, mac);
	if (!client)
		return NULL;
	seat = &client->seats[disk->number];
	if (!seat->itl)
		seat->itl = gw_itl_open(client->nexus, disk->shelf->volume, false, ops, seat);
	if (!seat->itl)
		return NULL;
	if (TAILQ_NEXT(client, age)) {
		TAILQ_REMOVE(&port->clients, client, age);
		TAILQ_INSERT_TAIL(&port->clients, client, age);
	}
	client->n_slots++;
	return seat;
}

void aoe_client_release(struct aoe_client *client)
{
	client->n_slots--;
}

void aoe_client_forget_all(struct aoe_port *port)
{
	while (!TAILQ_EMPTY(&port->clients))
		forget(TAILQ_FIRST(&port->clients));
}

static void list_seat(const struct aoe_seat *seat, struct gw_out *out)
{
	const struct aoe_client *client = seat->client;
	const struct aoe_port *port = client->port;
	unsigned in_flight = gw_itl_in_flight(seat->itl);

	gw_out_record(out, "connection");
	gw_out_text(out, "protocol", "aoe");
	gw_out_text(out, "volume", gw_volume_name(seat->disk->shelf->volume));
	gw_out_text(out, "initiator", client->text);
	gw_out_text(out, "peer", port->link.link.name);
	gw_out_text(out, "target", seat->disk->name);
	gw_out_number(out, "loop", loop_index(port->loop));
	gw_out_number(out, "requests", seat->requests);
	gw_out_number(out, "read_bytes", seat->read_bytes);
	gw_out_number(out, "written_bytes", seat->written_bytes);
	gw_out_number(out, "in_flight", in_flight);
	gw_out_number(out, "errors", seat->errors);
	gw_out_number(out, "age_s",
		      (uint64_t)span_to_s(instant_since(loop_now(port->loop), client->since)));
	gw_out_text(out, "header_digest", "none");
	gw_out_text(out, "data_digest", "none");
	gw_out_number(out, "depth", port->n_slots);
	gw_out_number(out, "window", port->n_slots - port->n_busy);
}

void aoe_client_list(const struct aoe_port *port, struct gw_out *out)
{
	const struct aoe_client *client;

	TAILQ_FOREACH (client, &port->clients, age)
		for (unsigned i = 0; i < port->n_disks; i++)
			if (client->seats[i].itl)
				list_seat(&client->seats[i], out);
}
