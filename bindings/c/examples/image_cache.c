/*
 * Images without a copy: the decoder writes its pixels straight into the cache's memory, and every process draws from there. A pinned image
 * stays as it is while it is drawn, whatever becomes of its key.
 */
#define _POSIX_C_SOURCE 200809L
#include <hostcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    uint32_t width, height;
    /* width * height pixels follow. */
} image_t;

/* Stands for a decoder: each pixel from its place, and the image's number. */
static uint32_t pixel(uint32_t number, uint32_t x, uint32_t y)
{
    return 0xff000000u | number << 16 | (y & 0xff) << 8 | (x & 0xff);
}

static int decode_into_cache(hostcache_t *cache, const char *key, uint32_t number, uint32_t width, uint32_t height)
{
    hostcache_reservation_t *reservation;
    size_t len = sizeof(image_t) + (size_t)width * height * sizeof(uint32_t);
    image_t *image;
    uint32_t *pixels, x, y;

    if (hostcache_reserve(cache, key, strlen(key), len, NULL, &reservation) != HOSTCACHE_OK)
        return 0;
    image = (image_t *)hostcache_reservation_data(reservation);
    image->width = width;
    image->height = height;
    pixels = (uint32_t *)(image + 1);
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++)
            *pixels++ = pixel(number, x, y);
    return hostcache_publish(reservation, NULL) == HOSTCACHE_OK;
}

/* The sum of all pixels, read where they lie; 0 on a miss. */
static uint64_t draw(hostcache_t *cache, const char *key)
{
    hostcache_pin_t *pin;
    const image_t *image;
    const uint32_t *pixels;
    uint64_t sum = 0;
    size_t i, count;

    if (hostcache_pin(cache, key, strlen(key), &pin) != HOSTCACHE_OK)
        return 0;
    image = (const image_t *)hostcache_pin_data(pin);
    pixels = (const uint32_t *)(image + 1);
    /* What lies in shared memory is not trusted: its length is known, what it says of itself is checked. */
    count = (hostcache_pin_len(pin) - sizeof(*image)) / sizeof(*pixels);
    if ((uint64_t)image->width * image->height == count)
        for (i = 0; i < count; i++)
            sum += pixels[i];
    hostcache_unpin(pin);
    return sum;
}

int main(void)
{
    enum { WIDTH = 320, HEIGHT = 200, IMAGES = 4, READERS = 3 };
    hostcache_t *cache;
    uint64_t sums[IMAGES] = {0};
    char key[16];
    uint32_t i, x, y, reader;
    int status, failed = 0;

    if (hostcache_open_or_create("image-cache", 64 << 20, &cache) != HOSTCACHE_OK) {
        fprintf(stderr, "%s\n", hostcache_error_message());
        return 1;
    }
    for (i = 0; i < IMAGES; i++) {
        snprintf(key, sizeof(key), "image:%u", (unsigned)i);
        if (!decode_into_cache(cache, key, i, WIDTH, HEIGHT)) {
            fprintf(stderr, "%s\n", hostcache_error_message());
            return 1;
        }
        for (y = 0; y < HEIGHT; y++)
            for (x = 0; x < WIDTH; x++)
                sums[i] += pixel(i, x, y);
    }
    for (reader = 0; reader < READERS; reader++) {
        if (fork() == 0) {
            for (i = 0; i < IMAGES; i++) {
                snprintf(key, sizeof(key), "image:%u", (unsigned)i);
                if (draw(cache, key) != sums[i])
                    _exit(1);
            }
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        failed |= status;
    printf("%d images of %d KiB drawn by %d processes\n", IMAGES, (int)(WIDTH * HEIGHT * sizeof(uint32_t) / 1024), READERS);
    hostcache_close(cache);
    hostcache_destroy("image-cache");
    return failed != 0;
}
