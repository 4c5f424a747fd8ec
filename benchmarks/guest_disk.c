/* Reads or writes a disk past the guest's cache, and tells how much it did.
 *
 *   guest_disk DEVICE read|write seq|rand WORKERS SECONDS MIB
 *
 * seq: blocks of 1 MiB, one after the other; rand: of 4 KiB, anywhere in the first MIB MiB. Prints
 * operations and seconds, both over all workers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	int writes = !strcmp(argv[2], "write"), random_ = !strcmp(argv[3], "rand");
	int workers = atoi(argv[4]), answers[2];
	double begun = now(), end = begun + atof(argv[5]);
	size_t block = random_ ? 4096 : 1 << 20;
	long blocks = atol(argv[6]) * (1 << 20) / block, all = 0;

	if (pipe(answers))
		return 1;
	for (int i = 0; i < workers; i++) {
		if (fork())
			continue;
		int disk = open(argv[1], O_DIRECT | (writes ? O_RDWR : O_RDONLY));
		long done = 0, at = blocks / workers * i;
		void *memory;
		if (disk < 0 || posix_memalign(&memory, 4096, block))
			_exit(1);
		memset(memory, 'x', block);
		srandom(i + 1);
		while (now() < end) {
			off_t where = (random_ ? random() % blocks : (at + done) % blocks) * (off_t)block;
			ssize_t moved = writes ? pwrite(disk, memory, block, where)
					       : pread(disk, memory, block, where);
			if (moved != (ssize_t)block)
				_exit(1);
			done++;
		}
		if (write(answers[1], &done, sizeof done) != sizeof done)
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < workers; i++) {
		int status;
		long done;
		wait(&status);
		if (status || read(answers[0], &done, sizeof done) != sizeof done)
			return 1;
		all += done;
	}
	printf("%ld %.3f\n", all, now() - begun);
	return 0;
}
