/* modules.c - the directory board: every room, in dependency order. A room may include only the
 * doors of rooms above it here. */
#include "main/modules.h"

#include "core/core_module.h"
#include "rooms/assets/assets.h"
#include "rooms/intake/intake.h"
#include "rooms/mail/mail.h"
#include "rooms/privacy/privacy.h"

const struct module *const all_modules[] = {&core_module,     &estate_module,  &calendar_module,
                                            &people_module,   &staff_module,   &assets_module,
                                            &handbook_module, &service_module, &intake_module,
                                            &mail_module,     &privacy_module, NULL};
