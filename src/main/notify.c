/* notify.c - sd_notify(3) in a few lines: one datagram to the socket in NOTIFY_SOCKET. With it
 * `systemctl start` returns when the service really answers, not when it was merely started, and
 * what depends on it starts then. libsystemd is not worth a dependency for this. */
#include "main/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cal.h"
#include "base/log.h"

void notify_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') /* abstract */
        to.sun_path[0] = '\0';
    char text[100];
    /* The time is asked for with RELOADING only. */
    int n = snprintf(text, sizeof text, "%s\nMONOTONIC_USEC=%lld\n", state,
                     (long long)clock_mono_us());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0 || sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&to, size) != n)
        log_line(LOG_WARN, "serve", "msg=\"the service manager cannot be told\" state=%s", state);
    if (fd >= 0)
        close(fd);
}
