/* The lists of the inventory, by kind. */
#pragma once

#include "contract/entity.h"

#include "control/api/listing.h"

/* ENTITY_ORGANISATION … ENTITY_CHECK */
extern const struct listing item_listings[];
