/* notify.h - a word to the service manager that started us. */
#pragma once
/* Sends "READY=1", "RELOADING=1", "STOPPING=1" to the socket that systemd names in NOTIFY_SOCKET;
 * nothing without it. */
void notify_manager(const char *state);
