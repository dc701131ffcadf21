// The proof of work in forms: which worker computes it. The widget itself comes from the library.
const { worker } = document.getElementById("proof").dataset;
window.$altcha.algorithms.set("PBKDF2/SHA-256", () => new Worker(worker));
