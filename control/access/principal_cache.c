/* A hash table in the order of keeping, under one mutex. */
#include "control/access/principal_cache.h"

#include <pthread.h>

#include "shared/map.h"

struct entry {
    struct token_hash hash;
    struct principal principal;
    int64_t kept_at_us;
    UT_hash_handle hh;
};

struct principal_cache {
    pthread_mutex_t mutex;
    struct entry *entries; /* guarded by mutex */
    uint64_t generation;   /* guarded by mutex */
};

struct principal_cache *principal_cache_new(void)
{
    struct principal_cache *cache = NEW(struct principal_cache);

    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void remove_entry(struct principal_cache *cache, struct entry *entry)
{
    HASH_DEL(cache->entries, entry);
    wipe(entry, sizeof *entry);
    free(entry);
}

void principal_cache_free(struct principal_cache *cache)
{
    struct entry *entry;
    struct entry *next;

    if (!cache)
        return;
    HASH_ITER (hh, cache->entries, entry, next) {
        remove_entry(cache, entry);
    }
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

bool principal_cache_find(struct principal_cache *cache, const struct token_hash *hash,
                          int64_t now_us, struct principal *ret_principal)
{
    struct entry *entry;
    bool found;

    pthread_mutex_lock(&cache->mutex);
    HASH_FIND(hh, cache->entries, hash, sizeof *hash, entry);
    found = entry && now_us - entry->kept_at_us < CACHE_FRESH_US;
    if (found)
        *ret_principal = entry->principal;
    pthread_mutex_unlock(&cache->mutex);
    return found;
}

uint64_t principal_cache_generation(struct principal_cache *cache)
{
    uint64_t generation;

    pthread_mutex_lock(&cache->mutex);
    generation = cache->generation;
    pthread_mutex_unlock(&cache->mutex);
    return generation;
}

static void keep(struct principal_cache *cache, const struct token_hash *hash,
                 const struct principal *principal, int64_t now_us)
{
    struct entry *entry;

    HASH_FIND(hh, cache->entries, hash, sizeof *hash, entry);
    if (entry)
        remove_entry(cache, entry); /* it goes to the end of the order */
    else if (HASH_COUNT(cache->entries) >= CACHE_ENTRIES_MAX)
        remove_entry(cache, cache->entries);

    entry = NEW(struct entry);
    entry->hash = *hash;
    entry->principal = *principal;
    entry->kept_at_us = now_us;
    HASH_ADD(hh, cache->entries, hash, sizeof entry->hash, entry);
}

void principal_cache_keep(struct principal_cache *cache, const struct token_hash *hash,
                          const struct principal *principal, int64_t now_us, uint64_t generation)
{
    pthread_mutex_lock(&cache->mutex);
    if (generation == cache->generation)
        keep(cache, hash, principal, now_us);
    pthread_mutex_unlock(&cache->mutex);
}

void principal_cache_drop(struct principal_cache *cache, const struct uuid *credential_id)
{
    struct entry *entry;
    struct entry *next;

    pthread_mutex_lock(&cache->mutex);
    cache->generation++;
    HASH_ITER (hh, cache->entries, entry, next) {
        if (uuid_equal(&entry->principal.credential_id, credential_id))
            remove_entry(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
}
