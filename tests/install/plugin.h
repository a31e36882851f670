/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PLUGIN_H
#define TESTS_PLUGIN_H

#include <stdint.h>

int plugin_start(void);             /* 1: good */
int plugin_work(uint64_t number);   /* on any thread */
int plugin_stop(uint64_t expected); /* after `expected` calls of plugin_work; 1: all of them were counted */

#endif
