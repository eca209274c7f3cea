# Not in the system's own image: lab/grader puts it into the images of labs that ask for it.
ALTERNATIVES += lab/puppet
