import type { Words } from "./en.ts";

/* Tout ce que dit la page, en français. */

const count = new Intl.NumberFormat("fr");
const decimal = new Intl.NumberFormat("fr", { maximumFractionDigits: 1 });
const threeDigits = new Intl.NumberFormat("fr", { maximumSignificantDigits: 3 });

export const fr: Words = {
  language: "fr",
  name: "LLASTA chatbot",
  skipToMessage: "Aller au champ de message",

  emptyTitle: "Interrogez votre propre modèle.",
  emptyText:
    "Cette page parle au modèle qui tourne dans votre grappe. La conversation ne vit que dans cet onglet\u00a0: rien n’est enregistré, rien ne quitte votre réseau.",
  suggestionsTitle: "Quelques façons de commencer",
  suggestions: [
    "Que sais-tu faire, et que ne sais-tu pas faire\u202f?",
    "Explique comment un transformeur prédit le jeton suivant, avec un petit exemple.",
    "Écris une fonction Python qui trouve les fichiers en double d’un dossier.",
    "Compare REST, gRPC et GraphQL dans un tableau.",
  ],

  you: "Vous",
  answer: "Réponse",
  message: "Message",
  messageHint: "Posez votre question",
  messageHintWhileLoading: "Écrivez déjà\u00a0: le message partira quand le modèle sera prêt",
  send: "Envoyer",
  stop: "Arrêter",
  reset: "Effacer",
  settings: "Réglages",
  close: "Fermer",
  undo: "Annuler",
  cancel: "Abandonner",
  copy: "Copier",
  copied: "Copié",
  copyFailed: "La copie a échoué",
  copyAnswer: "Copier la réponse",
  copyCode: "Copier le code",
  plainText: "texte",
  table: "Tableau",
  regenerate: "Régénérer",
  edit: "Modifier",
  editing: "Modification de votre dernier message. L’envoi le remplace, lui et sa réponse.",
  toEnd: "Aller à la fin",
  think: "Réfléchir d’abord",
  system: "Consigne système",
  systemHint: "Comment le modèle doit se comporter dans cette conversation",
  theme: "Apparence",
  themes: { auto: "Comme le système", light: "Clair", dark: "Sombre" },
  thisConversation: "Cette conversation",
  exportMarkdown: "Enregistrer en Markdown",
  exportJson: "Enregistrer en JSON",
  importJson: "Ouvrir un JSON…",
  imported: "Conversation ouverte.",
  importFailed: "Ce fichier n’est pas une conversation enregistrée ici en JSON.",
  wasReset: "Conversation effacée.",
  restored: "Conversation rétablie.",
  answerRestored: "La réponse précédente est de retour.",

  thinking: "Réflexion…",
  thought: (seconds) => `Réflexion de ${decimal.format(seconds)} s`,
  thoughtSkipped: (seconds) => `Réflexion interrompue après ${decimal.format(seconds)} s`,
  thoughtNoTime: "Réflexion",
  answerNow: "Répondre maintenant",

  modelStates: { ready: "prêt", loading: "en chargement", unreachable: "injoignable", busy: "occupé" },
  asking: "Recherche du modèle…",
  simulated: "simulé",
  simulatedHint: "Aucun vrai modèle n’est connecté\u00a0: un simulateur répond.",
  elapsed: (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`,
  modelReady: (model) => `${model} est prêt.`,
  modelLoading: "Le modèle se charge.",
  modelUnreachable: "Le modèle est injoignable.",
  modelBusy: "Le modèle est occupé.",

  context: "Contexte utilisé",
  contextOf: (used, window) => `${count.format(used)} jetons sur ${count.format(window)}`,
  firstToken: (ms) => (ms < 1000 ? `premier jeton en ${Math.round(ms)} ms` : `premier jeton en ${decimal.format(ms / 1000)} s`),
  tokensPerSecond: (rate) => `${threeDigits.format(rate)} jetons/s`,
  tokens: (tokens) => `${count.format(tokens)} ${tokens < 2 ? "jeton" : "jetons"}`,

  sending: "Envoyé. En attente du premier mot du modèle…",
  waitingLoading: "Le modèle se charge encore. Votre message partira quand il sera prêt.",
  waitingUnreachable: "Le modèle est injoignable pour l’instant. Nouvel essai automatique.",
  waitingBusy: "Toutes les places sont prises. Nouvel essai automatique.",
  waitingToGoOn: "La connexion s’est rompue. La réponse reprend dès que le modèle est de retour.",
  resuming: "La connexion s’est rompue. Reprise là où elle s’est arrêtée…",
  tryNow: "Essayer maintenant",

  stopped: "Arrêté.",
  noAnswer: "Il n’y a pas encore de réponse.",
  length: "La réponse a atteint sa longueur limite.",
  thinkingLimit: "La réflexion a épuisé toute la limite\u00a0: il n’y a pas de réponse.",
  truncated: "La réponse s’est interrompue avant la fin.",
  emptyAnswer: "Le modèle a donné une réponse vide.",
  goOn: "Continuer",
  tryAgain: "Réessayer",
  answerWithoutThinking: "Répondre sans réfléchir",
  dropOldest: (turns) =>
    turns === 1 ? "Laisser de côté l’échange le plus ancien" : `Laisser de côté les ${turns} échanges les plus anciens`,
  dropped: (turns) =>
    turns === 1 ? "Le modèle ne voit plus l’échange ci-dessus." : `Le modèle ne voit plus les ${turns} échanges ci-dessus.`,

  problems: {
    "invalid-request": "Le message a été refusé.",
    "too-large": "La conversation est trop grande pour être envoyée.",
    "forbidden-origin": "Cette adresse n’a pas accès au chat. Ouvrez la page à l’adresse que son exploitant vous a donnée.",
    "context-overflow": "La conversation ne tient plus dans la fenêtre du modèle.",
    "context-overflow-alone": "Ce message dépasse à lui seul la fenêtre du modèle. Raccourcissez-le.",
    "model-auth": "Le serveur du modèle a refusé la clé.",
    "model-not-found": "Le serveur n’a pas ce modèle.",
    "model-error": "Le serveur du modèle a échoué.",
    unreachable: "Le modèle est injoignable.",
    busy: "Le modèle est occupé.",
  },
  draftBack: "Votre message est revenu dans le champ.",

  announceStart: "La réponse commence.",
  announceEnd: "La réponse est complète.",
  announceThinking: "Le modèle réfléchit.",
};
