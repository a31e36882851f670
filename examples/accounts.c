/* SPDX-License-Identifier: MIT */
/* Four tellers move money between ten accounts while an auditor counts it: it is always all there. */
#include <atomicx/accounts.h>

#include <pthread.h>
#include <stdio.h>

static ax_accounts *bank;

static void *teller(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 1103515245u + 12345u;
        uint32_t from = (seed >> 16) % 10, to = (from + 1 + (seed >> 20) % 9) % 10;
        (void)ax_accounts_transfer(bank, from, to, (seed >> 8) % 50); /* AX_EINSUFFICIENT is an answer, too */
    }
    return NULL;
}

int main(void)
{
    pthread_t tellers[4];
    unsigned seeds[4] = { 1, 2, 3, 4 }, wrong = 0;
    uint32_t account;
    int64_t sum;
    if (ax_accounts_create(10, 8, NULL, &bank) != AX_OK)
        return 1;
    for (int i = 0; i < 10; i++)
        if (ax_accounts_open(bank, 0, &account) != AX_OK || ax_accounts_deposit(bank, account, 100) != AX_OK)
            return 1;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&tellers[i], NULL, teller, &seeds[i]) != 0)
            return 1;
    for (int i = 0; i < 1000; i++)
        wrong += ax_accounts_audit(bank, &sum) != AX_OK || sum != 1000;
    for (int i = 0; i < 4; i++)
        pthread_join(tellers[i], NULL);
    wrong += ax_accounts_audit(bank, &sum) != AX_OK || sum != 1000;
    printf("%u of 1001 audits were wrong\n", wrong);
    ax_accounts_destroy(bank);
    return 0;
}
