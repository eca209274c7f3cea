# The student's machine, the same everywhere:
#     docker build -t minnow . && docker run -it -v "$PWD:/minnow" minnow
# On amd64 and arm64 alike: the emulator translates (TCG) and counts instructions, so a grade is the
# same on both. It stands at the top of the tree because docker and .devcontainer/ look for it here.
FROM debian:12
COPY tests/setup /usr/local/lib/minnow/tests/setup
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git
RUN /usr/local/lib/minnow/tests/setup
ENV LC_ALL=C.UTF-8
WORKDIR /minnow
CMD ["bash"]
