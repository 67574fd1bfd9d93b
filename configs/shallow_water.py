"""placeholder"""

from configs import base


def get_config():
    return base.get_config()
