/* Accounting the places of regions to users. */
#include "regions.h"
#include "service.h"
#include "share.h"

/* The places of all spaces, so that one user's programs cannot take all of PM's
 * memory for regions. */
static struct share place_share;

int regions_charge(struct regions *rs, unsigned places)
{
    /* a page of the machine's in MEMORY_PART, of those that PM has by its manifest */
    enum { MEMORY_PART = 48, PLACES_A_PAGE = 64 };
    if (!place_share.capacity) {
        uint32_t all = machine_pages() / MEMORY_PART * PLACES_A_PAGE;
        place_share = (struct share)SHARE(all, all / 8, all / 2);
    }
    if (places > rs->charged) {
        uint32_t user = call_user(rs->task),
                 more = user == rs->user ? places - rs->charged : places;
        int error = share_take(&place_share, user, more, -ENOMEM);
        if (error)
            return error;
        share_give(&place_share, rs->user, rs->charged + more - places);
        rs->user = user;
    } else {
        share_give(&place_share, rs->user, rs->charged - places);
    }
    rs->charged = places;
    return 0;
}
