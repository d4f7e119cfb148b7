"""The seven services of the shop, one module each; `python -m quacktrace_demo.services order …` runs one."""
