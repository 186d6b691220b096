// AMX, whose tiles multiply bf16.
#ifndef DARKROOM_AMX_H
#define DARKROOM_AMX_H

// Whether this machine has AMX for bf16 and the system lets the process use it; asks for permission.
int dk_amx_usable(void);

#endif
