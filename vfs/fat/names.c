/* Short names, long names, times, as FAT writes them. These functions read no disk. */
#include "fat.h"

enum { DAY = 24 * 3600 };

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static char to_upper(char c) { return is_lower(c) ? c - 32 : c; }
static char to_lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

bool name_same(const char *a, unsigned a_length, const char *b, unsigned b_length)
{
    if (a_length != b_length)
        return false;
    for (unsigned k = 0; k < a_length; k++)
        if (to_upper(a[k]) != to_upper(b[k]))
            return false;
    return true;
}

uint32_t name_hash(const char *name, unsigned length)
{
    uint32_t h = 2166136261u;
    while (length--)
        h = (h ^ (uint8_t)to_upper(*name++)) * 16777619u;
    return h ^ h >> 15;
}

/* ---- Short names ---- */

unsigned name_from_short(const struct entry *e, char *name)
{
    unsigned length = 0;
    for (unsigned k = 0; k < 11; k++) {
        uint8_t c = e->name[k];
        if (k == 0 && c == ENTRY_KANJI)
            c = ENTRY_FREE;
        if (c == ' ')
            continue;
        if (k >= 8 && !memchr(name, '.', length))
            name[length++] = '.';
        if (c >= 0x80 || c < 0x20 || c == '/')
            c = '_';
        name[length++] = e->cases & (k < 8 ? CASE_BASE : CASE_EXTENSION) ? to_lower(c) : c;
    }
    name[length] = 0;
    return length;
}

static bool short_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c > 0 && strchr("$%'-_@~`!(){}^#&", c));
}

bool name_to_short(const char *name, unsigned length, uint8_t *to)
{
    memset(to, ' ', 11);
    unsigned k = 0, at = 0;
    for (; k < length && name[k] != '.'; k++) {
        if (at == 8 || !short_char(name[k]))
            return false;
        to[at++] = name[k];
    }
    if (at == 0 || k == length)
        return at != 0;
    at = 8;
    for (k++; k < length; k++) {
        if (at == 11 || !short_char(name[k]))
            return false;
        to[at++] = name[k];
    }
    return at > 8;
}

void name_make_short(const char *name, unsigned length, unsigned attempt, uint8_t *to)
{
    unsigned dot = length, at = 0;
    for (unsigned k = 1; k < length; k++)
        if (name[k] == '.')
            dot = k;
    memset(to, ' ', 11);
    unsigned keep = attempt < 9 ? 6 : 2;
    for (unsigned k = 0; k < dot && at < keep; k++) {
        char c = to_upper(name[k]);
        if (c != '.' && c != ' ')
            to[at++] = short_char(c) ? c : '_';
    }
    if (attempt >= 9) {
        uint32_t h = fs_hash(name, length) + attempt * 0x9e37;
        for (unsigned k = 0; k < 4; k++, h >>= 4)
            to[at++] = "0123456789ABCDEF"[h & 15];
    }
    to[at++] = '~';
    to[at] = '1' + (attempt < 9 ? attempt : attempt % 9);
    at = 8;
    for (unsigned k = dot + 1; k < length && at < 11; k++) {
        char c = to_upper(name[k]);
        if (c != ' ')
            to[at++] = short_char(c) ? c : '_';
    }
}

uint8_t name_checksum(const uint8_t *short_name)
{
    uint8_t sum = 0;
    for (unsigned k = 0; k < 11; k++)
        sum = (uint8_t)(sum << 7 | sum >> 1) + short_name[k];
    return sum;
}

/* ---- Long names: UTF-8 here, UTF-16 on the disk ---- */

/* Decodes one character of UTF-8 at *at, which is moved behind it. 0, or -EINVAL: no character, or
 * one that is longer than it need be. */
static int decode(const char *name, unsigned length, unsigned *at, uint32_t *c)
{
    static const uint32_t smallest[] = { 0, 0x80, 0x800, 0x10000 };
    uint8_t first = name[(*at)++];
    unsigned more = first < 0x80       ? 0
                    : first >> 5 == 6  ? 1
                    : first >> 4 == 14 ? 2
                    : first >> 3 == 30 ? 3
                                       : 4;
    if (more == 4)
        return -EINVAL;
    *c = more ? first & (0x3f >> more) : first;
    for (unsigned k = 0; k < more; k++) {
        if (*at == length || ((uint8_t)name[*at] & 0xc0) != 0x80)
            return -EINVAL;
        *c = *c << 6 | ((uint8_t)name[(*at)++] & 0x3f);
    }
    return *c < smallest[more] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? -EINVAL : 0;
}

int name_to_units(const char *name, unsigned length, uint16_t *units)
{
    unsigned count = 0;
    if (name[length - 1] == '.' || name[length - 1] == ' ')
        return -EINVAL;
    for (unsigned at = 0; at < length;) {
        uint32_t c;
        if (decode(name, length, &at, &c) || c < 0x20 || (c < 0x80 && strchr("\"*/:<>?\\|", c)))
            return -EINVAL;
        if (count + (c >= 0x10000 ? 2 : 1) > 255)
            return -ENAMETOOLONG;
        if (c >= 0x10000) {
            units[count++] = 0xd800 + ((c - 0x10000) >> 10);
            c = 0xdc00 + (c & 0x3ff);
        }
        units[count++] = c;
    }
    return count;
}

int name_from_units(const uint16_t *units, unsigned count, char *name)
{
    unsigned length = 0;
    for (unsigned k = 0; k < count && units[k]; k++) {
        uint32_t c = units[k];
        if (c >= 0xd800 && c < 0xdc00 && k + 1 < count && units[k + 1] >= 0xdc00 &&
            units[k + 1] < 0xe000)
            c = 0x10000 + ((c & 0x3ff) << 10) + (units[++k] & 0x3ff);
        unsigned bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (c < 0x20 || c == '/' || (c >= 0xd800 && c < 0xe000) || length + bytes > NAME_MAX)
            return -EINVAL;
        if (c < 0x80) {
            name[length++] = c;
        } else if (c < 0x800) {
            name[length++] = 0xc0 | c >> 6;
            name[length++] = 0x80 | (c & 0x3f);
        } else if (c < 0x10000) {
            name[length++] = 0xe0 | c >> 12;
            name[length++] = 0x80 | (c >> 6 & 0x3f);
            name[length++] = 0x80 | (c & 0x3f);
        } else {
            name[length++] = 0xf0 | c >> 18;
            name[length++] = 0x80 | (c >> 12 & 0x3f);
            name[length++] = 0x80 | (c >> 6 & 0x3f);
            name[length++] = 0x80 | (c & 0x3f);
        }
    }
    name[length] = 0;
    return length && !fs_is_dots(name, length) ? (int)length : -EINVAL;
}

/* Where in the slot the k-th of its thirteen characters stands. */
static uint8_t *unit_at(struct long_entry *e, unsigned k)
{
    return k < 5 ? e->first + k * 2 : k < 11 ? e->second + (k - 5) * 2 : e->third + (k - 11) * 2;
}

void long_units(const struct long_entry *e, uint16_t *units)
{
    for (unsigned k = 0; k < LONG_CHARS; k++)
        memcpy(&units[k], unit_at((struct long_entry *)e, k), 2);
}

void long_part(const uint16_t *units, unsigned count, unsigned part, bool last, uint8_t checksum,
               struct long_entry *to)
{
    memset(to, 0, sizeof *to);
    to->order = (part + 1) | (last ? LONG_LAST : 0);
    to->attributes = ATTR_LONG;
    to->checksum = checksum;
    for (unsigned k = 0; k < LONG_CHARS; k++) {
        unsigned n = part * LONG_CHARS + k;
        uint16_t unit = n < count ? units[n] : n == count ? 0 : 0xffff;
        memcpy(unit_at(to, k), &unit, 2);
    }
}

/* ---- Times: local time is UTC ---- */

/* The days from 1970 to a date. The year is taken to begin in March, so that the leap day is its
 * last. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    unsigned shifted = (month + 9) % 12, of_year = (153 * shifted + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

struct timespec64 time_unpack(uint16_t date, uint16_t time, uint8_t ms10)
{
    unsigned month = date >> 5 & 15, day = date & 31;
    if (month < 1 || month > 12 || day < 1)
        return (struct timespec64){ 0, 0 };
    int64_t sec = days_of(1980 + (date >> 9), month, day) * DAY + (time >> 11) * 3600 +
                  (time >> 5 & 63) * 60 + (time & 31) * 2;
    return (struct timespec64){ sec + ms10 / 100, ms10 % 100 * 10000000 };
}

void time_pack(const struct timespec64 *t, uint16_t *date, uint16_t *time, uint8_t *ms10)
{
    int64_t sec = MAX(t->sec, (int64_t)315532800), days = sec / DAY, year = 1980;
    unsigned month = 12;
    while (year < 2107 && days_of(year + 1, 1, 1) <= days)
        year++;
    while (month > 1 && days_of(year, month, 1) > days)
        month--;
    sec %= DAY;
    *date = (year - 1980) << 9 | month << 5 | (days - days_of(year, month, 1) + 1);
    if (time)
        *time = sec / 3600 << 11 | sec / 60 % 60 << 5 | sec % 60 / 2;
    if (ms10)
        *ms10 = sec % 2 * 100 + t->nsec / 10000000;
}
