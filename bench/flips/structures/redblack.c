/* A red-black tree whose nodes know their parents. Insertion alone, as
 * published. */
#include "structure.h"

enum colour { Red, Black };
struct NODE node {
  struct node *left, *right, *parent;
  uint64_t colour, key, value;
};
struct NODE tree {
  struct node *root;
};

static void *make(uint64_t Keys) {
  (void)Keys;
  return take(sizeof(struct tree));
}

/* Puts New in the place of Old below Old's parent. */
static void replace(struct tree *T, struct node *Old, struct node *New) {
  struct node *Parent = Old->parent;
  if (!Parent)
    T->root = New;
  else if (Parent->left == Old)
    Parent->left = New;
  else
    Parent->right = New;
  New->parent = Parent;
}

static void rotateLeft(struct tree *T, struct node *N) {
  struct node *Up = N->right, *Middle = Up->left;
  replace(T, N, Up);
  N->right = Middle;
  if (Middle)
    Middle->parent = N;
  Up->left = N;
  N->parent = Up;
}

static void rotateRight(struct tree *T, struct node *N) {
  struct node *Up = N->left, *Middle = Up->right;
  replace(T, N, Up);
  N->left = Middle;
  if (Middle)
    Middle->parent = N;
  Up->right = N;
  N->parent = Up;
}

static void balance(struct tree *T, struct node *N) {
  struct node *Parent;
  while ((Parent = N->parent) && Parent->colour == Red) {
    struct node *Grand = Parent->parent;
    bool Left = Grand->left == Parent;
    struct node *Uncle = Left ? Grand->right : Grand->left;
    if (Uncle && Uncle->colour == Red) {
      Parent->colour = Uncle->colour = Black;
      Grand->colour = Red;
      N = Grand;
      continue;
    }
    if (Left && Parent->right == N) {
      rotateLeft(T, Parent);
      Parent = N;
    } else if (!Left && Parent->left == N) {
      rotateRight(T, Parent);
      Parent = N;
    }
    Parent->colour = Black;
    Grand->colour = Red;
    if (Left)
      rotateRight(T, Grand);
    else
      rotateLeft(T, Grand);
    break;
  }
  if (T->root->colour != Black)
    T->root->colour = Black;
}

static bool insert(void *Root, struct item New) {
  struct tree *T = Root;
  struct node *Parent = NULL, *At = T->root;
  while (At) {
    Parent = At;
    At = New.key < At->key ? At->left : At->right;
  }
  struct node *N = take(sizeof *N);
  N->left = N->right = NULL;
  N->parent = Parent;
  N->colour = Red;
  N->key = New.key;
  N->value = New.value;
  if (!Parent)
    T->root = N;
  else if (New.key < Parent->key)
    Parent->left = N;
  else
    Parent->right = N;
  balance(T, N);
  return true;
}

static struct node *end(struct node *N, bool Right) {
  for (struct node *Next; N && (Next = Right ? N->right : N->left);)
    N = Next;
  return N;
}

/* Upwards by the parents, too. */
static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  size_t Count = 0;
  struct node *N = end(((struct tree *)Root)->root, Backwards);
  while (N && Count < Most) {
    To[Count++] = (struct item){N->key, N->value};
    struct node *Below = Backwards ? N->left : N->right;
    if (Below) {
      N = end(Below, Backwards);
      continue;
    }
    struct node *From;
    do {
      From = N;
      N = N->parent;
    } while (N && (Backwards ? N->left : N->right) == From);
  }
  return Count;
}

static const char *Wrong;

/* The black nodes on each way down. */
static unsigned check(struct node *N, struct node *Parent) {
  if (!N)
    return 1;
  if (N->parent != Parent)
    Wrong = "a node does not lead to its parent";
  if (N->colour == Red && Parent && Parent->colour == Red)
    Wrong = "a red node has a red child";
  unsigned Left = check(N->left, N), Right = check(N->right, N);
  if (Left != Right)
    Wrong = "ways down have different numbers of black nodes";
  return Left + (N->colour == Black);
}

static const char *broken(void *Root) {
  struct tree *T = Root;
  Wrong = NULL;
  if (T->root && T->root->colour != Black)
    Wrong = "the root is red";
  check(T->root, NULL);
  return Wrong;
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Walk = walk, .Broken = broken};
