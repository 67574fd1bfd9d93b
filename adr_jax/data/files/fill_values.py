"""Fill values that a file implies: cells that were never written hold them."""

import h5py

# Default fill values of netCDF by type. Bytes have none: all their values are used.
DEFAULTS = {
    "i2": -32767,
    "u2": 65535,
    "i4": -2147483647,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}


def unwritten(data: h5py.Dataset, *, is_netcdf: bool) -> tuple[float, ...]:
    """Return the values of cells that were never written, where they tell.

    HDF5 fills with zeros unless told otherwise, and a zero can be a value. netCDF has a
    default for each type, which holds unless an attribute states another, or filling is
    switched off.
    """
    layout, default = data.id.get_create_plist(), DEFAULTS.get(data.dtype.str[1:])
    never = layout.get_fill_time() == h5py.h5d.FILL_TIME_NEVER
    if default is None or never or "_FillValue" in data.attrs:
        return ()
    fills = {data.dtype.type(default).item()} if is_netcdf else set()
    if layout.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
        fills.add(data.fillvalue.item())
    return tuple(fills - {0})
