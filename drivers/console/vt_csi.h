/* Control sequences with parameters: see vt_csi.c. */
#ifndef VT_CSI_H
#define VT_CSI_H

#include "vt_state.h"

/* ESC [ parameters final: the parameters stand in v. Unknown sequences do nothing. */
void vt_csi(struct vt *v, char final);

#endif
