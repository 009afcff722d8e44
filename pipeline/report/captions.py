"""What each table and figure of the paper shows, in our words; data sets are named by the study."""

# {number: what is measured, in which unit}; {target}, {gestures} and {source} are the study's data sets.
TABLES = {
    "3": "Quality of generated images of {target}, by generator: distances between the features of generated and real"
    " images (lower is better), Inception Score, precision, recall, density and coverage (higher is better), and the"
    " realism that people saw in them, from 1 to 5. Headings name the feature network where it is not Inception;"
    " brackets hold 95 % intervals by bootstrap. Real training images are the yardstick, and not among those compared.",
    "4": "Quality of generated images of {gestures}, measured as in Table 3.",
    "5": "Test accuracy in percent by the images a classifier learnt from (real ones beside all generated images, or"
    " only those that a classifier of real images found best: filtered) and by training strategy.",
    "6": "Test accuracy in percent on {target}: this study's classifiers beside published ones. Those saw other budgets"
    " and, unless said, other pixels.",
    "7": "Test accuracy in percent on {target} with images of a generator that was trained on {source} and fed with the"
    " poses of {target} (multi-source), by training strategy.",
    "8": "Test accuracy in percent on {target} by the number of training images per class (columns), the source of the"
    " generated images and the training strategy. Generators and classifiers saw the same subset.",
    "9": "Test accuracy in percent on {gestures} by the number of training images per class, as in Table 8.",
}

# Those that the paper does not have, by the name of their file.
FURTHER_TABLES = {
    "rivals": "Test accuracy and macro-recall (the mean of all classes' recalls) in percent on {target}, by the number"
    " of training images per class: real images alone, what can be done about imbalance without generated images for as"
    " many updates as pretrain has, copies of the real images in place of generated ones, and generated images.",
}

# {number: (what it shows, what a reader who cannot see it needs to know)}
FIGURES = {
    "1": (
        "The four ways to train a classifier: on real images alone, after pretraining on generated ones, with generated"
        " ones as regularization, and with mixup of both.",
        "Four diagrams, one below the other, each from real and generated images through a classifier to its loss.",
    ),
    "2": (
        "Images per class of {target} and {gestures}, training and test.",
        "Bar charts of image counts, one bar per class, sorted by count, for both data sets.",
    ),
    "3": (
        "What a generator is conditioned on: a real crop, its keypoint maps and its bone maps.",
        "A hand, the blurred dots of its joints, and the lines of its bones.",
    ),
    "4": (
        "ReACGAN as built for this study, conditioned on class labels.",
        "Block diagram of generator and discriminator with channels, resolution and losses.",
    ),
    "5": (
        "SPADE as built for this study, conditioned on hand poses.",
        "Block diagram of generator and discriminator with channels, resolution and losses.",
    ),
    "6": (
        "Real and generated images of {target} and {gestures}; a column is a class.",
        "Rows of small pictures of hands, real ones first, then one row per generator.",
    ),
    "7": (
        "Change of each class's accuracy on {target} by pretraining with ReACGAN's images, against the number of its"
        " training images.",
        "Bar chart with a bar per class, above zero where the class gained and below where it lost.",
    ),
    "8": (
        "Training accuracy per epoch of fine-tuning, by initialisation.",
        "Line charts of training accuracy over epochs for real, ReACGAN and SPADE initialisation, one per data set.",
    ),
    "9": (
        "Harm map, not the paper's: what generated images, and copies of real ones in their place, gain or cost in"
        " macro-recall on {target}, by the number of real training images per class.",
        "Line charts of points above or below real images alone, with intervals, a chart per maker of the images.",
    ),
}
