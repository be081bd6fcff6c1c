// Follows a job that is under way, and shows what came of it when it is over.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const PAUSE_MILLISECONDS = 1000;
    const box = document.querySelector("[data-billing-webhooks-job]");
    if (!box) {
        return;
    }
    const bar = box.querySelector("progress");
    const done = box.querySelector("[data-done]");

    async function follow() {
        try {
            const answer = await fetch(box.dataset.billingWebhooksJob);
            const job = await answer.json();
            if (job.state !== "open") {
                window.location.reload();
                return;
            }
            bar.value = job.done;
            done.textContent = job.done;
        } catch {
            // The server is away for a moment.
        }
        window.setTimeout(follow, PAUSE_MILLISECONDS);
    }

    window.setTimeout(follow, PAUSE_MILLISECONDS);
});
