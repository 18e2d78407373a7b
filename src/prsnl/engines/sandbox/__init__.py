"""Hostile bytes are read here: in a child that can do little, and whose end is no news.

Three processes stand in a row. The *launcher* (what the pool starts) gives up its
rights and makes the namespaces. The *nursery*, first process of its process
namespace, imports what children need, and forks one child at a time. The *child*
binds itself (limits, Landlock, system call filter), and only then sees an input.
A dead nursery takes all that it forked along, whatever that has done.

`pool`, `conversation`, `process` and `scratch` are the parent's side; a child imports
none of them.
"""
