"""The ``mycloud`` command.

Exit statuses: 0 done; 1 the cloud refused, or what was waited for failed; 2 wrong usage (the
command line, clouds.yaml, a local file); 3 the cloud can't be reached or doesn't let you in;
4 ``--wait`` ran out of time; 130 interrupted; 141 the reader of the output went away.
"""
